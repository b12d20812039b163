"""Asking the model: what a call may cost, what a worker still has to be told, what then fails.

The transcript crosses once. A worker that lacks part of it says so with a typed failure, and
only then are messages sent again, by value.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from workflows import policies
from workflows.cascades import Cascade
from workflows.ends import LimitReachedError
from workflows.escalating import larger
from workflows.halting import held_up
from workflows.lending import Borrower
from workflows.nearing import alert
from workflows.patience import Patience, said, used_up
from workflows.reserving import Reserve
from workflows.routing import Choice, Router, capped
from workflows.turns import in_turn
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.halts import EVERYBODY
    from domain.messages import ROOT, Message, chain, link
    from domain.state import Turn
    from domain.thinking import (
        BUDGET_SPENT,
        TENANT_CAP_REACHED,
        TRANSCRIPT_MISS,
        Aside,
        Missing,
        Reply,
        ThinkRequest,
    )

_MOST_MISSES = 4


@dataclass
class _Call:
    """A model call that is to be made: of which purpose, and to which models.

    Attributes:
        within: It may fail, and all its attempts take no longer; None: it is surely made.
    """

    purpose: str
    choice: Choice
    aside: Aside | None = None
    shown: int = 0
    within: timedelta | None = None
    patience: Patience = field(init=False)


class AsideFailedError(Exception):
    """A call beside the conversation that may fail has failed for good; caught by its asker."""


class Thinker:
    """Makes a run's model calls, within its budget."""

    def __init__(self, work: Work, borrower: Borrower) -> None:
        self._work = work
        self._state, self._spec, self._desk = work.state, work.spec, work.desk
        self._borrower = borrower
        self._reserve = Reserve(work)
        self._router = Router(work)
        self._cascade = Cascade(work)

    async def think(self, *, plan: bool = False) -> Reply:
        """Return the model's next message, after it was put behind the transcript.

        Raises:
            LimitReachedError: A call could exceed one of the run's limits.
            AbortedError: The call failed for good and a person ended the run.
        """
        purpose = "plan" if plan else "turn"
        models = () if plan else larger(self._state, self._spec)
        call = _Call(purpose, self._router.choose(purpose, models))
        reply = await self._surely(call)
        self._keep(call, reply)
        return reply

    async def aside(self, aside: Aside, shown: int = 0, within: timedelta | None = None) -> Reply:
        """Return what a model says beside the conversation, which does not grow by it.

        The call counts against the run's limits like any.

        Args:
            aside: Its prompt, its text and the form of its answer.
            shown: So many of the conversation's messages stand before the text; a call whose
                result is still missing must not be among them.
            within: The run can do without it: its attempts take no longer, and its failure is
                told at once and puts nothing before a person.

        Raises:
            AsideFailedError: It could not be made `within` that time.
            LimitReachedError: It could exceed one of the run's limits.
            AbortedError: The call failed for good and a person ended the run.
        """
        aside = aside.model_copy(update={"reads": shown > 0})
        choice = self._router.choose(aside.purpose, aside.route)
        return await self._surely(_Call(aside.purpose, choice, aside, shown, within))

    async def _surely(self, call: _Call) -> Reply:
        call.patience = Patience(self._work)
        while True:
            await self._cascade.hold()
            try:
                reply = await self._attempt(call)
            except LimitReachedError as reached:
                if not await self._borrower.more(reached.limit, self.left()):
                    raise
                continue
            if reply is not None:
                self._router.answered(call.choice)
                self._cascade.note("llm.think", reply.failed)
                self._settle(reply)
                return reply

    async def _attempt(self, call: _Call) -> Reply | None:
        """Make one call; None when it failed and is to be made again."""
        request = self._request(call)
        heard = self._desk.held.words
        try:
            return await self._call(call, request)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self._cascade.note_end("llm.think", error, self._tries(call))
            if not await held_up(self._work, "llm.think", error, heard):
                await self._failed(call, error)
            return None

    async def _failed(self, call: _Call, error: ActivityError) -> None:
        """See to it that a call that failed can be made again: later, elsewhere, or mended."""
        cause = error.cause
        kind = (cause.type or "") if isinstance(cause, ApplicationError) else ""
        if kind == BUDGET_SPENT:
            raise LimitReachedError("tokens or cost_usd") from None
        if self.left() <= timedelta():
            raise LimitReachedError("wall_clock_s") from None
        if kind == TENANT_CAP_REACHED and call.within is None:
            # Another model would be the same tenant's bill.
            stop = capped(str(cause))
            await self._desk.halt(stop, ("retry", "abort"))
            return
        last = call.choice.last and call.within is None
        if await call.patience.with_model(error, self._tries(call), last=last):
            return
        call.patience = Patience(self._work)
        if self._router.failed(call.choice):
            return
        if call.within is not None:
            raise AsideFailedError(said(error)) from None
        stop = used_up(call.choice.model, said(error), kind)
        await self._desk.halt(stop, ("retry", "abort"))
        self._router.begin_again(call.choice)

    def _tries(self, call: _Call) -> int:
        return self._router.attempts(call.choice) or policies.THINK_TRIES

    async def _call(self, call: _Call, request: ThinkRequest) -> Reply:
        """Run the activity, handing over what the worker says it lacks."""
        for _ in range(_MOST_MISSES):
            try:
                return await self._execute(call, request)
            except ActivityError as error:
                cause = error.cause
                if not isinstance(cause, ApplicationError) or cause.type != TRANSCRIPT_MISS:
                    raise
                request = self._with(call, request, Missing.model_validate(cause.details[0]))
        return await self._execute(call, self._with(call, request, Missing(spec=True, base=True)))

    async def _execute(self, call: _Call, request: ThinkRequest) -> Reply:
        queue = f"llm.{call.choice.provider}" if self._spec.shared_route else ""
        left = min(self.left(), call.within or self.left())
        policy = policies.think(left, queue, max(1, self._tries(call) - call.patience.made))
        return await workflow.execute_activity(
            "llm.think",
            request,
            result_type=Reply,
            summary=call.purpose if call.aside else None,
            **in_turn(self._work, policy),
        )

    def _with(self, call: _Call, request: ThinkRequest, missing: Missing) -> ThinkRequest:
        """Return `request` with what is missing by value: the whole transcript at worst."""
        more: dict[str, object] = {}
        messages = self._messages(call)
        if missing.spec:
            more["whole_spec"] = self._spec
        if missing.base:
            more |= {"base": ROOT, "new": tuple(messages)}
        elif missing.ids:
            by_id = {message.id: message for message in messages}
            more["new"] = tuple(
                by_id[item] if isinstance(item, str) and item in missing.ids else item
                for item in request.new
            )
        return request.model_copy(update=more)

    # --- what is sent

    def _messages(self, call: _Call) -> Sequence[Message]:
        """Return all that the model is shown."""
        if call.aside is None:
            return self._state.messages
        return [*self._state.messages[: call.shown], _said(call.aside)]

    def _request(self, call: _Call) -> ThinkRequest:
        state, spec = self._state, self._spec
        optional = self._routed(call)
        if call.purpose == "plan":
            optional["purpose"] = "plan"
        if self._work.request.tenant != EVERYBODY:
            optional["tenant"] = self._work.request.tenant
        if state.limits != spec.limits:
            optional["limits"] = state.limits
        if state.course.simplified and call.aside is None:
            optional["forbid"] = tuple(tool.name for tool in spec.tools)
        base, new, head = state.base_head, state.new(), state.head
        if call.aside is None:
            cap, output = self._reserve.turn(call.choice.model)
        else:
            shown = state.messages[: call.shown]
            cap, output = self._reserve.aside(call.aside, shown, call.choice.model)
            base, new, head = self._beside(call.aside, shown)
            optional["aside"] = call.aside.model_copy(update={"text": ""})
        return ThinkRequest(
            lineage=state.lineage,
            turn=state.spend.steps + 1,
            spec=spec.hash,
            base=base,
            head=head,
            new=new,
            cap=cap,
            max_output_tokens=output,
            **optional,  # pyright: ignore[reportArgumentType]
        )

    def _routed(self, call: _Call) -> dict[str, object]:
        """Return what tells the activity the model: its place in the route, else its name."""
        usual = (call.aside and call.aside.route) or self._spec.route
        choice = call.choice
        if choice.models != usual:
            return {"model": choice.model}
        return {"route": choice.at} if choice.at else {}

    def _beside(
        self, aside: Aside, shown: Sequence[Message]
    ) -> tuple[str, tuple[str | Message, ...], str]:
        """Return base, new messages and head of a call that reads `shown` and then its text."""
        state, text = self._state, _said(aside)
        if len(shown) == len(state.messages) and shown:
            return state.base_head, (*state.new(), text), link(state.head, text.id)
        base = chain(ROOT, (message.id for message in shown))
        return base, (text,), link(base, text.id)

    # --- what comes back

    def _settle(self, reply: Reply) -> None:
        state = self._state
        if reply.lost_tokens or reply.lost_cost_usd:
            state.spend = state.spend.plus_lost(reply.lost_tokens, reply.lost_cost_usd)
        tokens = 0 if reply.cached else reply.usage.total
        state.spend = state.spend.plus(steps=1, tokens=tokens, cost_usd=reply.cost_usd)
        alert(self._work)

    def _keep(self, call: _Call, reply: Reply) -> None:
        """Put a turn's reply behind the transcript."""
        state = self._state
        state.model = reply.model  # a critic's, beside the conversation, is not the run's
        state.add(reply.message, made=True)
        state.hold()
        state.counted_tokens = reply.usage.total
        state.counted_messages = len(state.messages)
        state.counted_by = call.choice.model
        state.turns.append(
            Turn(
                messages=len(state.messages),
                tokens=state.spend.tokens,
                cost_usd=state.spend.cost_usd,
                model=reply.model,
                cached=reply.cached,
            )
        )

    def left(self) -> timedelta:
        """Return the wall clock that is left."""
        return self._reserve.left()


def _said(aside: Aside) -> Message:
    return Message(role="user", text=aside.text)
