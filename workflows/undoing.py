"""Undoing what a run has done, in reverse order; what cannot be undone is named."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows import policies
from workflows.child import Child, lineage_of, run_child
from workflows.effects import Effects
from workflows.halting import UNDOING, held_up
from workflows.patience import Patience
from workflows.turns import in_turn
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.acting import ActOutcome, ActRequest
    from domain.budget import Limits
    from domain.contract import digest
    from domain.run import AgentRequest
    from domain.state import Effected
    from domain.tools import ToolSpec


class Undoing:
    """Runs the compensations of completed writes."""

    def __init__(self, work: Work, effects: Effects) -> None:
        self._work = work
        self._request, self._state, self._spec = work.request, work.state, work.spec
        self._effects = effects

    async def compensate(self) -> None:
        """Undo the run's completed writes in reverse order, as far as they can be undone."""
        while self._state.writes:
            write = self._state.writes.pop()
            if write.agent:
                await self._undo_below(write)
                continue
            undo = self._spec.tool(write.compensation) if write.compensation else None
            if undo is None:
                self._state.leave(f"{write.tool} was not undone: it has no way back")
                continue
            key = digest("undo", write.key)
            request = self._effects.asked(
                f"undo-{key[:8]}", write.arguments, key, undo, of=write.text
            )
            try:
                outcome = await self._run(undo, request)
            except ActivityError as error:
                self._state.leave(f"{write.tool} was not undone: {error.cause}")
                continue
            if outcome.kind == "ok":
                self._state.undone.append(write.tool)
            else:
                self._state.leave(f"{write.tool} was not undone: {outcome.text}")

    async def _run(self, undo: ToolSpec, request: ActRequest) -> ActOutcome:
        """Run a compensation; a halt holds it up as it does any call."""
        patience = Patience(self._work)
        while True:
            heard = self._work.desk.held.words
            try:
                return await workflow.execute_activity(
                    undo.name,
                    request,
                    result_type=ActOutcome,
                    **in_turn(self._work, policies.tool(undo)),
                )
            except ActivityError as error:
                if await held_up(self._work, undo.name, error, heard, UNDOING):
                    continue
                if not await patience.with_tool(error, undoing=True):
                    raise

    async def _undo_below(self, write: Effected) -> None:
        """Have another run of the agent undo what its run has done."""
        child = Child(id=f"undo-{digest(write.key)[:8]}", agent=write.agent, task="undo")
        request = AgentRequest(
            agent=write.agent,
            task="undo",
            data=self._request.data,
            tenant=self._request.tenant,
            lineage=lineage_of(write.key, child),
            undo=write.inner,
        )
        came = await run_child(child, request, Limits())
        self._state.undone.extend(f"{write.agent}: {tool}" for tool in came.undone)
        for item in came.not_done:
            self._state.leave(f"{write.agent}: {item}")
        if not came.ok:
            self._state.leave(f"{write.tool} was not undone: {came.outcome} {came.reason}".strip())
