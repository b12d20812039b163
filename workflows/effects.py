"""One call to its outcome: each effect once, or put before a person.

A write whose outcome is unknown is never run again by itself: the tool is asked by the call's
key, else a person is. A cancelled run lets a write end, since half a write cannot be undone.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    is_cancelled_exception,
)

from workflows import policies
from workflows.cascades import Cascade
from workflows.guarding import is_outside, note_result, note_source
from workflows.halting import held_up
from workflows.patience import Patience, said, unknown
from workflows.remembering import lent_to
from workflows.second import refusal
from workflows.turns import in_turn
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain import page
    from domain.acting import ActOutcome, ActRequest, Reconciled, ReconcileRequest
    from domain.approval import Form
    from domain.run import Stop
    from domain.runs import Request
    from domain.state import Effected
    from domain.taint import unmarked
    from domain.tools import FLAG, STOP, ToolSpec, idempotency_key

# Characters of a call's arguments beside its name in the Temporal UI: 1 % of a turn's bytes.
_MOST_SHOWN = 32
_MOST_WHY = 300  # characters of what a run had to do without
_MOST_KEPT = 2_000  # characters of a write's result that compensation may need


class Effects:
    """Runs single calls and keeps the record of what was written."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._request, self._state = work.request, work.state
        self._spec, self._desk = work.spec, work.desk
        self._cascade = Cascade(work)

    async def run(
        self, position: int, call_id: str, tool: ToolSpec, arguments: dict[str, Any]
    ) -> "Ran | Gone":
        """Run one call of this turn to its outcome.

        Args:
            position: Of the call in its turn; part of the idempotency key.
            call_id: The model's name for the call.
            tool: What to run.
            arguments: Checked, and approved where a person had to.
        """
        key = self.key(position, tool, arguments)
        request = self.asked(call_id, arguments, key, tool)
        # Before it runs: its errors, and why it did not run, can be strangers' words too.
        note_source(self._state, tool, arguments)
        patience = Patience(self._work, writes=tool.writes)
        await self._cascade.hold()
        while True:
            # What may have happened is not judged anew: a refusal would deny it.
            if not patience.sent and (refused := await refusal(self._work, tool, arguments)):
                return Ran(_told(refused), by_value=True)
            patience.heard = self._desk.held.words
            try:
                outcome = await self._execute(tool, request)
            except ActivityError as error:
                settled = await self._failed(tool, request, error, patience)
                if settled is None:
                    continue
                return settled
            if outcome.kind == "changed":
                if await self._stop(tool, outcome.text, "deploy that version") == "retry":
                    continue
                return Ran(_told(f"error: {outcome.text}"), by_value=True)
            return self._ran(tool, request, outcome)

    def _ran(self, tool: ToolSpec, request: ActRequest, outcome: ActOutcome) -> "Ran":
        """Note what a call has brought and done."""
        if tool.writes and outcome.kind == "ok":
            self._note(tool, request, outcome.text)
        self._cascade.note(tool.name, outcome.failed)
        note_result(self._state, tool, request.arguments, outcome)
        return Ran(outcome)

    def key(self, position: int, tool: ToolSpec, arguments: dict[str, Any]) -> str:
        """Return the idempotency key of a call of this turn."""
        turn = len(self._state.turns)
        return idempotency_key(self._state.lineage, turn, position, tool.name, arguments)

    def asked(
        self, call_id: str, arguments: dict[str, Any], key: str, tool: ToolSpec, of: str = ""
    ) -> ActRequest:
        """Return the request for a call; `of` is the result of the call that it undoes."""
        optional: dict[str, Any] = {"agent": self._spec.name}
        if self._request.data:
            optional["data"] = self._request.data
        # A read may have to know whose data it may show; the tenant that all have costs no history.
        if tool.writes or self._request.tenant != _ALL_HAVE:
            optional["tenant"] = self._request.tenant
        if of:
            optional["of"] = of
        lent = lent_to(self._request, self._state, self._spec, tool, arguments)
        if lent is not None:
            optional["memory"] = lent
        if self._spec.shared_route or tool.queue:
            optional["shared"] = True
        if self._spec.guards is not None and is_outside(self._state, tool, arguments):
            optional["mark"] = True
        return ActRequest(
            call_id=call_id,
            arguments=arguments,
            key=key,
            schema_hash=tool.schema_hash,
            **optional,
        )

    async def _execute(self, tool: ToolSpec, request: ActRequest) -> ActOutcome:
        running = asyncio.ensure_future(
            workflow.execute_activity(
                tool.name,
                request,
                result_type=ActOutcome,
                summary=_in_short(request.arguments),
                **in_turn(self._work, policies.tool(tool)),
            )
        )
        if not tool.writes:
            return await running
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await self._end_of(tool, request, running)
            raise

    async def _end_of(
        self, tool: ToolSpec, request: ActRequest, running: "asyncio.Future[ActOutcome]"
    ) -> None:
        """Let a write of a cancelled run end, and note it, so that it can be undone."""
        try:
            outcome = await running
        except ActivityError as error:
            if unknown(error):
                await self._in_doubt(tool, request, str(error.cause), may_retry=False)
            return
        if outcome.kind == "ok":
            self._note(tool, request, outcome.text)

    def _note(self, tool: ToolSpec, request: ActRequest, text: str) -> None:
        self._state.writes.append(
            Effected(
                tool=tool.name,
                arguments=request.arguments,
                key=request.key,
                text=unmarked(text)[:_MOST_KEPT],
                compensation=tool.compensation,
            )
        )

    # --- when a call fails

    async def _failed(
        self, tool: ToolSpec, request: ActRequest, error: ActivityError, patience: Patience
    ) -> "Ran | Gone | None":
        """Return what a call that used up its attempts comes to; None to run it again."""
        if is_cancelled_exception(error):
            raise error
        patience.note(error)
        self._cascade.note_end(tool.name, error, tool.tries)
        held = await held_up(self._work, tool.name, error, patience.heard)
        if held or await patience.with_tool(error):
            return None
        reason = said(error)
        if patience.sent:
            return await self._in_doubt(tool, request, reason)
        if tool.fallback == STOP:
            if await self._stop(tool, reason, "mend what it needs") == "retry":
                return None
            return Ran(_told(f"error: {reason}"), by_value=True)
        if tool.fallback == FLAG:
            return self.flagged(tool, request.arguments, reason)
        return Gone(reason)

    def flagged(self, tool: ToolSpec, arguments: dict[str, Any], reason: str) -> "Ran":
        """Note a call that could not be made, and tell the model of the gap."""
        self._state.leave(f"{tool.name} {arguments} (not available)")
        why = reason.removeprefix(f"{tool.name}: ")
        self._state.degraded.append(f"{tool.name}: {why}"[:_MOST_WHY])
        gap = f"error: {tool.name} is not available ({why}); name this gap in the answer"
        return Ran(_told(gap), by_value=True)

    async def _stop(self, tool: ToolSpec, reason: str, mend: str) -> str:
        hint = f"{mend}, then send retry; or skip, and the model is told; or abort"
        stop = Stop(step=tool.name, reason=reason, hint=hint, at=workflow.now())
        return await self._desk.halt(stop, ("retry", "skip", "abort"))

    async def _in_doubt(
        self, tool: ToolSpec, request: ActRequest, reason: str, *, may_retry: bool = True
    ) -> "Ran | None":
        """Find out whether a write happened: of the tool, else of a person."""
        found = await self._reconcile(tool, request)
        if found.happened == "yes":
            self._note(tool, request, found.text)
            return Ran(ActOutcome(kind="ok", text=found.text), by_value=True)
        if found.happened == "no":
            return Ran(_told(f"error: {tool.name} did not take effect: {reason}"), by_value=True)
        if tool.idempotent and may_retry:
            mend = "it may have happened; trying again with the same key is safe: mend the cause"
            if await self._stop(tool, reason, mend) == "retry":
                return None
        return await self._ask_in_doubt(tool, request, reason)

    async def _reconcile(self, tool: ToolSpec, request: ActRequest) -> Reconciled:
        if not tool.reconciles:
            return Reconciled(happened="unknown")
        asked = ReconcileRequest(
            tool=tool.name,
            key=request.key,
            arguments=request.arguments,
            data=self._request.data,
            tenant=self._request.tenant,
        )
        try:
            return await workflow.execute_activity(
                "tools.reconcile", asked, result_type=Reconciled, **policies.COMPUTE
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return Reconciled(happened="unknown")

    async def _ask_in_doubt(self, tool: ToolSpec, request: ActRequest, reason: str) -> "Ran":
        form = Form(
            kind="in_doubt",
            title=f"did {tool.name} take effect?",
            why=f"its outcome is unknown: {reason}. It is not run again by itself",
            request=self._request.task,
            done=self._state.done(),
            options=(
                ("approve", "it took effect; the model is told so"),
                ("reject", "it did not; the model is told so and may propose it again"),
                ("abort", "the run ends here"),
            ),
            tool=tool.name,
            arguments=request.arguments,
        )
        decision = await self._desk.ask(form)
        if decision.granted:
            text = f"done: a person confirmed it. {decision.reason}".strip()
            self._note(tool, request, text)
            return Ran(ActOutcome(kind="ok", text=text), by_value=True)
        if decision.verdict == "silence":
            self._state.leave(f"{tool.name}: nobody could say whether it took effect")
            text = f"error: it is unknown whether {tool.name} took effect"
            return Ran(ActOutcome(kind="error", text=text, doubt=True), by_value=True)
        text = f"error: a person says that {tool.name} did not take effect. {decision.reason}"
        return Ran(_told(text.strip()), by_value=True)


_ALL_HAVE = Request().tenant


@dataclass(frozen=True)
class Ran:
    """A call's outcome. `by_value`: no worker has its message; `ours`: no tool said it."""

    outcome: ActOutcome
    by_value: bool = False
    ours: bool = False


@dataclass(frozen=True)
class Gone:
    """A call that could not run, and surely did nothing: the declared fallback's turn."""

    reason: str


def _told(text: str) -> ActOutcome:
    return ActOutcome(kind="error", text=text)


def _in_short(arguments: dict[str, Any]) -> str | None:
    """Return a call's arguments for lists: as code, since a model wrote them."""
    written = ", ".join(f"{name}: {value}" for name, value in arguments.items())
    return page.inline(written, _MOST_SHOWN) if written else None
