"""Support triage: every ticket of a file a run of its own, so many at once, each to its end.

What is durable: how far it came, which tickets wait for people, and the counts; the tickets
themselves are in the database. A ticket that waits holds up nothing: its run asks on its own, tells
this one when it begins to wait and when it has ended, and outlives a continue-as-new.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import (
    FailureError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from domain.budget import Limits, Pool, Spend
    from domain.lifecycle import State
    from domain.runs import Outcome
    from domain.ticket import AllEnded, EndedRequest, News, TicketRequest, TicketResult
    from domain.triage import TakeIn, TakenIn, TriageRequest, TriageResult, TriageState
    from workflows import policies
    from workflows.conducted import Conducted
    from workflows.ends import LimitReachedError, RefusedError
    from workflows.failures import FAILURES
    from workflows.offering import Offering
    from workflows.steps import sure, together
    from workflows.tally import Tally

# So many times `parallel` tickets lie between two moments at which it may continue as new: at each
# it waits for the last of them.
_ROUNDS = 3
# The word of a ticket can be lost (its run was terminated, this one was reset): so often the
# database is asked which have ended.
_LOOK_AGAIN = timedelta(hours=1)
# A question is silent after three days, twice where it escalates; a stop fails after seven.
_GIVE_UP = timedelta(days=14)


@workflow.defn(name="TriageWorkflow", failure_exception_types=FAILURES)
class TriageWorkflow(Conducted[TriageResult]):
    """Owns a file of tickets, from its first row to the last reply."""

    NAME = "triage"

    @workflow.init
    def __init__(self, request: TriageRequest) -> None:
        self._state = request.state or TriageState(
            lineage=str(workflow.uuid4()), started_at=workflow.now()
        )
        super().__init__(request, self._state, budget=request.budget)
        self._request = request
        self._tally = Tally(self._state)
        self._slots = asyncio.Semaphore(request.parallel)
        self._pool = Pool(request.tokens, request.cost_usd, used=self._state.spend)
        self._share = Limits(tokens=request.ticket_tokens, cost_usd=request.ticket_cost_usd)
        self._watched: dict[int, asyncio.Task[None]] = {}
        self._full = False

    @workflow.run
    async def run(self, request: TriageRequest) -> TriageResult:
        """Triage every ticket; those that go to a person are waited for at the end.

        Raises:
            ApplicationError: Nobody came to a stopped run; non-retryable.
        """
        return await self.conduct(self._work)

    # --- what its tickets tell it

    @workflow.signal
    def ticket(self, *news: Any) -> None:
        """Take a ticket's word that it waits for a person, or has ended. Idempotent."""
        try:
            told = News.model_validate(news[0] if len(news) == 1 else None)
        except ValidationError:
            self.desk.ignore("ticket: this is for the runs of tickets to send")
            return
        self._take(told.result, waits=told.kind == "waits")

    def _take(self, result: TicketResult, *, waits: bool) -> None:
        """Count a ticket that begins to wait, or has ended; once each, whoever says so."""
        working = result.number in self._tally.working
        if not (self._tally.waits(result) if waits else self._tally.ended(result)):
            return
        if working:  # a ticket that waits has spent what it will
            self._pool.settle(self._share, result.spend)
            self._state.spend = self._state.spend.joined(result.spend)
            self._state.model = result.model or self._state.model
        self.show()

    # --- the steps

    async def _work(self) -> None:
        self.desk.move(State.VALIDATING)
        taken = await self._take_in()
        self.desk.move(State.PLANNING)
        await Offering(self, self._request, self._state).offer(taken.tickets)
        self.desk.move(State.EXECUTING)
        while self._state.next <= taken.tickets and not self._full:
            await self._work_on_next(taken.tickets)
            self.carry_on_if_due()
        await self._wait_for_people()
        if self._full:
            left = taken.tickets - self._tally.total
            self._state.not_done.append(f"{left} tickets were not begun")
            raise LimitReachedError("the budget has no room for another ticket")
        self.desk.move(State.REVIEWING)

    async def _take_in(self) -> TakenIn:
        if self._state.taken_in is not None:
            return self._state.taken_in
        request = self._request.model_copy(update={"state": None})
        asked = TakeIn(lineage=self._state.lineage, request=request)
        taken = await sure(
            self.desk,
            "triage.take_in",
            lambda: workflow.execute_activity(
                "triage.take_in", asked, result_type=TakenIn, **policies.COMPUTE
            ),
        )
        if taken.refusal:
            raise RefusedError(taken.refusal)
        self._state.taken_in = taken
        return taken

    async def _work_on_next(self, tickets: int) -> None:
        """Work on the next slice; it is through when each has ended, or waits for a person."""
        last = min(tickets, self._state.next + _ROUNDS * self._request.parallel - 1)
        await together(self._ticket(number) for number in range(self._state.next, last + 1))
        self._state.next = last + 1

    async def _ticket(self, number: int) -> None:
        async with self._slots:
            await workflow.wait_condition(
                lambda: self._pool.fits(self._share) or not self._pool.reserved
            )
            if self._full or not self._pool.reserve(self._share):
                self._full = True
                return
            self._tally.begin(number)
            self._watched[number] = asyncio.ensure_future(self._watch(number))
            await workflow.wait_condition(lambda: number not in self._tally.working)

    async def _watch(self, number: int) -> None:
        """Start a ticket's run and wait for its end, also when others have long gone on."""
        lost = TicketResult(number=number, ended="failed", route="")
        try:
            result = await workflow.execute_child_workflow(
                "TicketWorkflow",
                self._asked(number),
                id=self._id(number),
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                result_type=TicketResult,
                # It outlives a continue-as-new of this run; a cancel is handed on by hand.
                parent_close_policy=ParentClosePolicy.ABANDON,
                static_summary=f"ticket {number}",
            )
        except WorkflowAlreadyStartedError:
            # This run was reset: the ticket is in the database, or tells when it has ended.
            self._pool.settle(self._share, self._all())
            self._tally.adopt(number)
            return
        except FailureError as error:
            why = str(error.cause or error)
            self._state.not_done.append(f"ticket number {number}: its run ended early: {why}")
            self._take(lost.model_copy(update={"spend": self._all()}), waits=False)
            return
        self._take(result, waits=False)

    def _all(self) -> Spend:
        """Return what a ticket is charged that left no account: its whole share."""
        return Spend(tokens=self._share.tokens, cost_usd=self._share.cost_usd)

    def _asked(self, number: int) -> TicketRequest:
        request = self._request
        more: dict[str, Any] = {"limits": request.limits} if request.limits else {}
        return TicketRequest(
            triage=self._state.lineage,
            number=number,
            tenant=request.tenant,
            by=request.by,
            dry_run=request.dry_run,
            min_confidence=request.min_confidence,
            min_similarity=request.min_similarity,
            tokens=request.ticket_tokens,
            cost_usd=request.ticket_cost_usd,
            **more,
        )

    def _id(self, number: int) -> str:
        """Return the id of a ticket's run; another triage under the same id has others."""
        return f"{workflow.info().workflow_id}/{self._state.lineage[:6]}-{number}"

    # --- what waits for people

    async def _wait_for_people(self) -> None:
        """Wait until the last ticket has ended; after two weeks without a word it is given up."""
        heard = workflow.now()
        while self._state.waiting:
            waiting = len(self._state.waiting)
            await self._look()
            try:
                await workflow.wait_condition(lambda: not self._state.waiting, timeout=_LOOK_AGAIN)
            except TimeoutError:
                if len(self._state.waiting) < waiting:
                    heard = workflow.now()
                elif workflow.now() - heard > _GIVE_UP:
                    self._give_up()
            self.carry_on_if_due()

    async def _look(self) -> None:
        asked = EndedRequest(
            triage=self._state.lineage,
            tenant=self._request.tenant,
            numbers=tuple(self._state.waiting),
        )
        found = await sure(
            self.desk,
            "triage.ended",
            lambda: workflow.execute_local_activity(
                "triage.ended", asked, result_type=AllEnded, **policies.RECORD
            ),
        )
        for result in found.results:
            self._take(result, waits=False)

    def _give_up(self) -> None:
        for number in tuple(self._state.waiting):
            self._state.not_done.append(f"ticket number {number}: nothing was heard of its run")
            self._take(TicketResult(number=number, ended="failed"), waits=False)

    async def _undo(self, outcome: Outcome) -> None:
        """Hand a cancel on to the tickets that are under way; what was sent stays sent."""
        if outcome not in {Outcome.CANCELLED, Outcome.ABORTED}:
            return
        under_way = sorted({*self._tally.working, *self._state.waiting})
        await together(self._cancel(number) for number in under_way)
        if under_way:
            self._state.not_done.append(f"{len(under_way)} tickets were cancelled")

    async def _cancel(self, number: int) -> None:
        try:
            await workflow.get_external_workflow_handle(self._id(number)).cancel()
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.info("ticket %s has ended: %s", number, error)

    # --- what it comes to, and what is shown

    def _result(self, outcome: Outcome, reason: str) -> TriageResult:
        taken = self._state.taken_in or TakenIn()
        counts: dict[str, Any] = dict(self._state.counts)
        return TriageResult(
            **self._closed(outcome, reason),
            tickets=taken.tickets,
            left_out=taken.left_out,
            waiting=len(self._state.waiting),
            **counts,
        )

    def _title(self) -> str:
        taken = self._state.taken_in
        return f"triage of {taken.tickets:,} tickets" if taken else "triage"

    def _running(self) -> str:
        working = len(self._tally.working)
        return f"{working} tickets" if working else ""

    def _counts(self) -> Mapping[str, int]:
        taken = self._state.taken_in or TakenIn()
        return {
            "tickets": taken.tickets,
            **{name.replace("_", " "): count for name, count in self._state.counts.items()},
            "waiting for a person": len(self._state.waiting),
            "rows left out": len(taken.left_out),
        }
