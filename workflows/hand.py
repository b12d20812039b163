"""What a workflow does by itself, with the tools that no model is offered.

The rules are those for a model's calls: strict arguments, the gate, the idempotency key, doubts
put before a person.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from temporalio import workflow

from workflows.acting import Actor
from workflows.conducted import Conducted
from workflows.undoing import Undoing
from workflows.watches import watches_of
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.contract import digest
    from domain.messages import ToolCall
    from domain.run import AgentRequest
    from domain.spec import AgentSpec
    from domain.state import AgentState, Effected
    from domain.taint import unmarked

_SAYS_NO = ("error: ", "refused: ", "not approved", "dry run: ")


@dataclass(frozen=True)
class Done:
    """What an act came to.

    Attributes:
        ok: It ran and did not say otherwise; not so in a dry run.
        text: What the tool says, or why it did not run.
    """

    ok: bool
    text: str


class Hand:
    """Runs an agent's `workflow_tools` for a run of several.

    Args:
        run: The run that acts; its desk is asked, its `not_done` told.
        spec: The agent that has the tools.
        task: What the acts are for, as a person who is asked reads it.
        data: Inputs of the tools.
    """

    def __init__(
        self,
        run: Conducted[Any],
        spec: AgentSpec,
        task: str,
        data: Mapping[str, str] | None = None,
    ) -> None:
        self._run = run
        self._spec = spec.model_copy(update={"tools": spec.workflow_tools, "rules": ()})
        self._request = AgentRequest(
            agent=spec.name,
            task=task,
            data=dict(data or {}),
            tenant=run.asked.tenant,
            dry_run=run.asked.dry_run,
        )
        self.writes: list[Effected] = []

    async def do(
        self, tool: str, arguments: Mapping[str, Any], position: int = 0, *, reason: str = ""
    ) -> Done:
        """Run `tool` once for this `position` of the run: the same again is the same act.

        Several may run at once; what they ask a person is asked one by one. With a `reason` a
        person is asked whatever stands, and reads it.
        """
        state = self._state(position)
        actor = self._actor(state, reason)
        text = json.dumps(dict(arguments), ensure_ascii=False, default=str)
        await actor.act([ToolCall(id=f"{tool}-{position}", name=tool, arguments=text)])
        self._run.memory.not_done.extend(state.not_done)
        self._run.memory.taint(state.tainted)
        self.writes.extend(state.writes)
        said = state.messages[-1].text
        return Done(ok=not said.startswith(_SAYS_NO), text=unmarked(said))

    async def undo(self) -> tuple[str, ...]:
        """Undo in reverse order what was done; return the tools that were undone."""
        state = self._state(0)
        state.writes = self.writes
        actor = self._actor(state)
        await Undoing(self._work(state), actor.effects).compensate()
        self._run.memory.not_done.extend(state.not_done)
        return tuple(state.undone)

    def _actor(self, state: AgentState, reason: str = "") -> Actor:
        work = self._work(state)
        return Actor(work, watches_of(work), reason)

    def _work(self, state: AgentState) -> Work:
        return Work(self._request, state, self._spec, self._run.desk)

    def _state(self, position: int) -> AgentState:
        lineage = self._run.memory.lineage
        named = digest(lineage, str(position)) if position else lineage
        read = list(self._run.memory.tainted)
        return AgentState(lineage=named, spec=self._spec, tainted=read)
