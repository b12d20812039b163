"""One ticket: classify, look the account up, draft, and send, alone or with a person's yes.

Its state says how far it came. A crash costs the step under way; the reply is sent once, by the
ticket's own key, whichever run tries. A ticket that asks a person tells its triage that it waits.
"""

import asyncio
import math
from collections.abc import Awaitable, Mapping
from typing import Any, cast

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from domain.approval import Decision
    from domain.contract import digest
    from domain.lifecycle import State
    from domain.run import Came
    from domain.runs import Outcome
    from domain.taxonomy import Taxonomy
    from domain.ticket import (
        AGENT,
        DRAFTER,
        LOOK_UP,
        SEND,
        Brief,
        BriefRequest,
        Ended,
        News,
        Routed,
        RouteRequest,
        TicketRequest,
        TicketResult,
        TicketState,
        classification_task,
        described,
        drafting_task,
        end_of,
        inputs,
        route_of,
    )
    from workflows import policies
    from workflows.children import Child, Children
    from workflows.conducted import Conducted
    from workflows.ends import RefusedError
    from workflows.failures import FAILURES
    from workflows.hand import Done, Hand
    from workflows.steps import sure

# Of what a person changed so that it cannot be sent, they are told, and asked again so often.
_ASKED_AGAIN = 3
_FIRST_SEND = 10  # position of the first try; the look-up has one before it


@workflow.defn(name="TicketWorkflow", failure_exception_types=FAILURES)
class TicketWorkflow(Conducted[TicketResult]):
    """Owns one ticket, from its row to its reply."""

    NAME = "ticket"
    PART = True  # of a triage, which alone starts it

    @workflow.init
    def __init__(self, request: TicketRequest) -> None:
        lineage = digest("ticket", request.tenant, request.triage, str(request.number))
        self._state = request.state or TicketState(
            lineage=lineage, started_at=workflow.now(), triage=request.triage
        )
        super().__init__(request, self._state, budget=request.budget)
        self._request = request
        self._step = ""

    @workflow.run
    async def run(self, request: TicketRequest) -> TicketResult:
        """Work on the ticket until it is answered, or a person says that it shall not be."""
        return await self.conduct(self._work)

    async def _work(self) -> None:
        self.desk.move(State.VALIDATING)
        brief = self._state.brief = await self._brief()
        self.desk.move(State.PLANNING)
        self.desk.move(State.EXECUTING)
        waits = asyncio.ensure_future(self._tell_that_it_waits())
        try:
            await self._answer(brief)
        finally:
            waits.cancel()
        self.desk.move(State.REVIEWING)
        await sure(self.desk, "triage.end", self._record)
        self._state.recorded = True

    async def _answer(self, brief: Brief) -> None:
        """Take the steps to a reply; one that fails ends the ticket, named, and not the triage."""
        children = Children(self, self._request, parallel=1)
        spec, known = await self.resolve(AGENT), inputs(brief, self._request.triage)
        hand = Hand(self, spec, described(brief), known)
        if not await self._classify(brief, children):
            return
        account = await self._look_up(brief, hand)
        if not await self._draft(brief, account, children):
            return
        routed = self._state.routed = await self._route(brief)
        await self._send(brief, hand, routed, account)

    # --- the steps

    async def _brief(self) -> Brief:
        asked = BriefRequest(
            triage=self._request.triage, number=self._request.number, tenant=self._request.tenant
        )
        brief = await sure(
            self.desk,
            "triage.brief",
            lambda: workflow.execute_local_activity(
                "triage.brief", asked, result_type=Brief, **policies.RECORD
            ),
        )
        if brief.refusal:
            raise RefusedError(brief.refusal)
        return brief

    async def _classify(self, brief: Brief, children: Children) -> bool:
        self._step = "classifying"
        taxonomy = Taxonomy(categories=brief.categories)
        came = await children.run(
            Child(
                id="classify",
                agent=AGENT,
                task=classification_task(brief),
                answer_schema=taxonomy.answer_schema(),
                summary=f"classify {brief.id}",
            )
        )
        said = _object(came)
        if not came.ok or str(said.get("category")) not in brief.categories:
            return self._fail(brief, "it could not be classified", came)
        state = self._state
        state.category = str(said["category"])
        if "category" in came.logprobs:
            state.source, state.confidence = "logprobs", math.exp(came.logprobs["category"])
        else:
            state.source, state.confidence = "stated", float(said.get("confidence", 0))
        return True

    async def _look_up(self, brief: Brief, hand: Hand) -> str:
        """Return what is known of the account; an unknown one does not hold the ticket up."""
        if not brief.account or not brief.has_accounts:
            return ""
        self._step = "looking the account up"
        found = await hand.do(LOOK_UP, {"account": brief.account}, position=1)
        return found.text if found.ok else ""

    async def _draft(self, brief: Brief, account: str, children: Children) -> bool:
        self._step = "drafting"
        task = drafting_task(brief, self._state.category, account)
        came = await children.run(
            Child(id="draft", agent=DRAFTER, task=task, summary=f"draft for {brief.id}")
        )
        reply = str(_object(came).get("reply", ""))
        if not came.ok or not reply.strip():
            return self._fail(brief, "no reply could be drafted", came)
        self._state.reply = reply
        return True

    async def _route(self, brief: Brief) -> Routed:
        request, state = self._request, self._state
        asked = RouteRequest(
            triage=request.triage,
            number=request.number,
            tenant=request.tenant,
            run_id=workflow.info().workflow_id,
            category=state.category,
            confidence=state.confidence,
            source=state.source,
            similarity=brief.similarity,
            reply=state.reply,
            model=state.model,
            min_confidence=request.min_confidence,
            min_similarity=request.min_similarity,
        )
        return await sure(
            self.desk,
            "triage.route",
            lambda: workflow.execute_local_activity(
                "triage.route", asked, result_type=Routed, **policies.RECORD
            ),
        )

    async def _send(self, brief: Brief, hand: Hand, routed: Routed, account: str) -> None:
        """Send the reply; a person decides where the routing or the gate says so."""
        self._step = "sending"
        wanted = {"ticket": brief.id, "category": self._state.category, "reply": self._state.reply}
        reason = routed.why
        if reason and account:
            reason = f"{reason}. The account: {account}"
        for again in range(_ASKED_AGAIN):
            before = len(self.memory.decisions)
            done = await hand.do(SEND, wanted, position=_FIRST_SEND + again, reason=reason)
            made = self.memory.decisions[before:]
            self._state.route = route_of(made)
            if done.ok or not _changed_in_vain(done, made):
                return self._settle(done, made)
            wanted = dict(made[-1].arguments or wanted)
            reason = f"with your changes it could not be sent: {done.text}"
        return self._end("not_sent", f"it could not be sent: {reason}")

    def _settle(self, done: Done, made: list[Decision]) -> None:
        """Note what the reply's sending came to."""
        last = made[-1] if made else None
        if last is not None and last.granted:
            sent = last.arguments or {}
            self._state.reply = str(sent.get("reply", self._state.reply))
        if done.ok:
            self._state.receipt = done.text
        self._end("sent" if done.ok else "not_sent", "" if done.ok else done.text)

    def _fail(self, brief: Brief, what: str, came: Came) -> bool:
        why = f"{what}: {came.reason or came.outcome.value}"
        self.memory.not_done.append(f"ticket {brief.id}: {why}")
        self._end("failed", why)
        return False

    def _end(self, ended: Ended, why: str) -> None:
        self._state.ended, self._state.why_not = ended, why

    # --- what is kept and told

    def _record(self) -> Awaitable[None]:
        request = self._request
        end = end_of(self._state, request.number, request.tenant, self.memory.decisions)
        return workflow.execute_local_activity("triage.end", end, **policies.RECORD)

    async def _tell_that_it_waits(self) -> None:
        # No timeout: it ends with the ticket, and the question that it looks for has one.
        await workflow.wait_condition(lambda: self.desk.question is not None)
        self._state.told = True
        await self._tell("waits", self._result(Outcome.COMPLETED, ""))

    async def _tell(self, kind: Any, result: TicketResult) -> None:
        """Tell the triage; one that has closed is past hearing."""
        above = workflow.info().parent
        if above is None:
            return
        triage = workflow.get_external_workflow_handle(above.workflow_id)
        try:
            await triage.signal("ticket", News(kind=kind, result=result))
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.info("the triage does not hear: %s", error)

    async def _keep(self, result: TicketResult) -> None:
        if self._state.brief is not None and not self._state.recorded:
            try:
                await self._record()
            except FailureError as error:
                workflow.logger.warning("its end is not written down: %s", error)
        await super()._keep(result)
        if self._state.told:
            await self._tell("ended", result)

    def _result(self, outcome: Outcome, reason: str) -> TicketResult:
        state, routed = self._state, self._state.routed
        return TicketResult(
            **self._closed(outcome, reason or state.why_not),
            number=self._request.number,
            ticket=state.brief.id if state.brief else "",
            category=state.category,
            confidence=state.confidence,
            calibrated=routed.calibrated if routed else 0,
            source=state.source,
            similarity=state.brief.similarity if state.brief else 0,
            route=state.route,
            ended=state.ended,
            low_confidence=routed.low_confidence if routed else False,
            novel=routed.novel if routed else False,
            why=routed.why if routed else "",
            receipt=state.receipt,
        )

    # --- what is shown

    def _title(self) -> str:
        return f"ticket {self._state.brief.id}" if self._state.brief else "ticket"

    def _running(self) -> str:
        return self._step


def _object(came: Came) -> Mapping[str, Any]:
    said = came.answer
    return cast("dict[str, Any]", said) if isinstance(said, dict) else {}


def _changed_in_vain(done: Done, made: list[Decision]) -> bool:
    """Whether a person's change is what kept the reply from being sent."""
    return done.text.startswith("error: ") and bool(made) and made[-1].verdict == "modify"
