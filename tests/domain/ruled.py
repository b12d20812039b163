"""A run's history for tests of rules: what is judged, what is taken down."""

import json
from collections.abc import Sequence
from typing import Any

from domain.rule_log import act_of, remember
from domain.rules import Rule, Ruled
from domain.ruling import Breach, breaches, owed
from domain.state import AgentState
from domain.tools import Effect, ToolSpec
from tests.domain.given import state


def spec_of(name: str, **properties: Any) -> ToolSpec:
    """Return a tool with whatever arguments."""
    return ToolSpec(
        name=name,
        description="",
        parameters={"type": "object", "properties": properties},
        effect=Effect.WRITE,
    )


class History:
    """A run that does what it is told, if its rules let it."""

    def __init__(self, *rules: Rule, above: Sequence[Ruled] = ()) -> None:
        self.state = AgentState(lineage="run", ruled_by=tuple(above))
        self.rules = rules
        self.turn = 0

    @property
    def levels(self) -> tuple[Ruled, ...]:
        """All rules that hold."""
        return (*self.state.ruled_by, Ruled(agent="tester", rules=self.rules))

    def judged(self, tool: str, **arguments: Any) -> Breach | None:
        """Return the first rule that a call would break."""
        found = breaches(self.levels, self.state.acts, spec_of(tool), arguments)
        return found[0] if found else None

    def owes(self) -> list[Breach]:
        """Return what is owed."""
        return owed(self.levels, self.state.acts)

    def did(self, tool: str, *, result: Any = "", doubt: bool = False, **arguments: Any) -> None:
        """Take a call down as done, whatever the rules say."""
        self.turn += 1
        rules = [rule for level in self.levels for rule in level.rules]
        text = result if isinstance(result, str) else json.dumps(result)
        act = act_of(
            rules,
            spec_of(tool),
            arguments,
            turn=self.turn,
            level=len(self.levels) - 1,
            result=text,
            doubt=doubt,
        )
        if act is not None:
            remember(self.state.acts, act, rules)

    def continued(self) -> "History":
        """Return the run after it continued as new: the converter drops what is not set."""
        return self._with(AgentState.model_validate_json(self.dumped()))

    def forked(self, turn: int) -> "History":
        """Return another run, from the state as of a turn."""
        told = state(self.turn)
        told.acts, told.ruled_by = self.state.acts, self.state.ruled_by
        return self._with(told.at(turn))

    def dumped(self) -> str:
        """Return the state as it crosses."""
        return self.state.model_dump_json(exclude_unset=True)

    def _with(self, state: AgentState) -> "History":
        other = History(*self.rules)
        other.state, other.turn = state, self.turn
        return other
