"""Asking the model: what a call may cost, what a worker still has to be told, what then fails.

The transcript crosses once. A worker that lacks part of it says so with a typed failure, and
only then are messages sent again, by value.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from workflows import policies
from workflows.ends import LimitReachedError
from workflows.lending import Borrower
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.activity import (
        BUDGET_SPENT,
        ROUTE_UNUSABLE,
        TRANSCRIPT_MISS,
        Missing,
        Reply,
        ThinkRequest,
    )
    from domain.budget import Cap
    from domain.contract import canonical
    from domain.messages import ROOT
    from domain.run import Stop
    from domain.state import Turn

_LEAST_OUTPUT = 64  # tokens; an answer cut shorter is worth less than its price
_FRAMING = 32  # tokens a vendor may add around one message
_VENDOR_WORDS = 2_000  # what a vendor's form adds to a spec: keys, a plan's schema and its prompt
_MOST_MISSES = 4
_ALERT_AT = 0.8


class Thinker:
    """Makes a run's model calls, within its budget."""

    def __init__(self, work: Work, borrower: Borrower) -> None:
        self._state, self._spec, self._desk = work.state, work.spec, work.desk
        self._borrower = borrower

    async def think(self, *, plan: bool = False) -> Reply:
        """Return the model's next message, after it was put behind the transcript.

        Raises:
            LimitReachedError: A call could exceed one of the run's limits.
            AbortedError: The call failed for good and a person ended the run.
        """
        while True:
            try:
                reply = await self._attempt(plan=plan)
            except LimitReachedError as reached:
                if not await self._borrower.more(reached.limit, self.left()):
                    raise
                continue
            if reply is not None:
                self._settle(reply)
                return reply

    async def _attempt(self, *, plan: bool) -> Reply | None:
        """Make one call; None when it failed and is to be made again."""
        request = self._request(plan=plan)
        try:
            return await self._call(request)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            cause = error.cause
            kind = (cause.type or "") if isinstance(cause, ApplicationError) else ""
            if kind == BUDGET_SPENT:
                raise LimitReachedError("tokens or cost_usd") from None
            if self.left() <= timedelta():
                raise LimitReachedError("wall_clock_s") from None
            if self._state.route + 1 < len(self._spec.route):
                self._change_route()
                return None
            await self._desk.halt(self._why(str(cause or error), kind), ("retry", "abort"))
            return None

    async def _call(self, request: ThinkRequest) -> Reply:
        """Run the activity, handing over what the worker says it lacks."""
        for _ in range(_MOST_MISSES):
            try:
                return await workflow.execute_activity(
                    "llm.think", request, result_type=Reply, **self._policy()
                )
            except ActivityError as error:
                cause = error.cause
                if not isinstance(cause, ApplicationError) or cause.type != TRANSCRIPT_MISS:
                    raise
                request = self._with(request, Missing.model_validate(cause.details[0]))
        return await workflow.execute_activity(
            "llm.think",
            self._with(request, Missing(spec=True, base=True)),
            result_type=Reply,
            **self._policy(),
        )

    def _policy(self) -> policies.Policy:
        provider = self._spec.route[self._state.route].partition(":")[0]
        return policies.think(self.left(), f"llm.{provider}" if self._spec.shared_route else "")

    def _with(self, request: ThinkRequest, missing: Missing) -> ThinkRequest:
        """Return `request` with what is missing by value: the whole transcript at worst."""
        more: dict[str, object] = {}
        if missing.spec:
            more["whole_spec"] = self._spec
        if missing.base:
            more |= {"base": ROOT, "new": tuple(self._state.messages)}
        elif missing.ids:
            by_id = {message.id: message for message in self._state.messages}
            more["new"] = tuple(
                by_id[item] if isinstance(item, str) and item in missing.ids else item
                for item in request.new
            )
        return request.model_copy(update=more)

    def _request(self, *, plan: bool) -> ThinkRequest:
        state, spec = self._state, self._spec
        cap, output = self._reserve()
        optional: dict[str, object] = {}
        if state.route:
            optional["route"] = state.route
        if plan:
            optional["purpose"] = "plan"
        if state.limits != spec.limits:
            optional["limits"] = state.limits
        return ThinkRequest(
            lineage=state.lineage,
            turn=state.spend.steps + 1,
            spec=spec.hash,
            base=state.base_head,
            head=state.head,
            new=state.new(),
            cap=cap,
            max_output_tokens=output,
            **optional,  # pyright: ignore[reportArgumentType]
        )

    def _reserve(self) -> tuple[Cap, int]:
        """Return what the next call may use and how much of that may be output.

        The worst case is known: the input is at most what the provider counted last time plus
        a token for each new byte, since no tokenizer in use makes more tokens than bytes.
        """
        spend, limits = self._state.spend, self._state.limits
        if limit := spend.exhausted(limits):
            raise LimitReachedError(limit)
        if self.left() <= timedelta():
            raise LimitReachedError("wall_clock_s")
        bound = self._input_bound()
        output = min(self._spec.max_output_tokens, limits.tokens - spend.tokens - bound)
        if output < min(_LEAST_OUTPUT, self._spec.max_output_tokens):
            raise LimitReachedError("tokens")
        return Cap(tokens=bound + output, cost_usd=limits.cost_usd - spend.cost_usd), output

    def _input_bound(self) -> int:
        state = self._state
        counted, since = state.counted_tokens, state.counted_messages
        if not counted:
            since = 0
            counted = len(canonical(self._spec.model_dump(mode="json"))) + _VENDOR_WORDS
        unseen = state.messages[since:]
        return counted + sum(message.size + _FRAMING for message in unseen)

    def _settle(self, reply: Reply) -> None:
        state = self._state
        if reply.lost_tokens or reply.lost_cost_usd:
            state.spend = state.spend.plus_lost(reply.lost_tokens, reply.lost_cost_usd)
        state.spend = state.spend.plus(steps=1, tokens=reply.usage.total, cost_usd=reply.cost_usd)
        state.model = reply.model
        self._alert()
        state.add(reply.message, made=True)
        state.hold()
        state.counted_tokens = reply.usage.total
        state.counted_messages = len(state.messages)
        state.turns.append(
            Turn(
                messages=len(state.messages),
                tokens=state.spend.tokens,
                cost_usd=state.spend.cost_usd,
                model=reply.model,
            )
        )

    def _alert(self) -> None:
        """Say once that most of the budget is used."""
        share = self._state.spend.share(self._state.limits)
        if share >= _ALERT_AT and not self._state.alerted:
            self._state.alerted = True
            workflow.logger.warning("%.0f %% of the budget is used", share * 100)

    def _change_route(self) -> None:
        """Go on with the next model of the route: its tokens are counted anew."""
        self._state.route += 1
        self._state.counted_tokens = self._state.counted_messages = 0
        workflow.logger.warning("next model: %s", self._spec.route[self._state.route])

    def _why(self, reason: str, kind: str) -> Stop:
        model = self._spec.route[self._state.route]
        hint = "send retry when the provider answers again, or abort"
        if kind == ROUTE_UNUSABLE:
            hint = f"mend the key, quota or name of {model}, then send retry; or abort"
        return Stop(step="llm.think", reason=reason, hint=hint, at=workflow.now())

    def left(self) -> timedelta:
        """Return the wall clock that is left."""
        return timedelta(seconds=self._state.limits.wall_clock_s) - self._desk.worked()
