"""Those who answer: each looks for runs that wait, and says what the mix has planned."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError

from bench.metrics.mix import Plan, Word

_LOOK_S: Final = 0.5
_WAITING: Final = "AgentState = 'PENDING_APPROVAL' OR AgentState = 'STOPPED'"


@dataclass
class People:
    """Answers what waits.

    Attributes:
        plans: Of the runs of the mix, by id; tickets, which have none, are answered by turns.
    """

    client: Client
    plans: Mapping[str, Plan]
    _said: dict[str, int] = field(default_factory=dict[str, int])
    _tickets: int = 0

    async def attend(self) -> None:
        """Answer until cancelled."""
        while True:
            with suppress(RPCError):
                async for run in self.client.list_workflows(
                    f"ExecutionStatus = 'Running' AND ({_WAITING})"
                ):
                    await self._answer(run.id)
            await asyncio.sleep(_LOOK_S)

    async def _answer(self, run_id: str) -> None:
        plan = self.plans.get(run_id)
        handle = self.client.get_workflow_handle(run_id)
        if plan is not None and plan.cancel and run_id not in self._said:
            self._said[run_id] = 1
            await handle.cancel()
            return
        word = self._word(run_id, plan)
        if word is None:
            return
        # What comes too late, or twice, counts for nothing, in life as here.
        with suppress(WorkflowUpdateFailedError, RPCError, TimeoutError):
            async with asyncio.timeout(10):
                await self._say(handle, word)

    def _word(self, run_id: str, plan: Plan | None) -> Word | None:
        """Return what is said next; a word is said once."""
        said = self._said.get(run_id, 0)
        if plan is None:
            if said:
                return None
            self._tickets += 1
            word: Word = ("update", "reject" if self._tickets % 4 == 0 else "approve")
        elif said < len(plan.words):
            word = plan.words[said]
        else:
            return None
        self._said[run_id] = said + 1
        return word

    async def _say(self, handle: Any, word: Word) -> None:
        how, verdict = word
        answer: dict[str, Any] = {"by": "bench"}
        if verdict == "modify":
            answer["arguments"] = {"item": "deed-changed"}
        if how == "signal":
            await handle.signal(verdict, answer)
            return
        update = "unstop" if how == "unstop" else "decide"
        await handle.execute_update(update, {"verdict": verdict} | answer)
