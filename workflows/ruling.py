"""Holding a run to the rules over its history: its own, and those of the runs above it.

The log that they are judged by is in the state, so that it outlives continue-as-new and is as of
a turn in a fork; a reset replays it. A run below is given the rules and the log, and gives back
what it did, so that a maximum holds for all of them together.
"""

from typing import Any

from temporalio import workflow

from workflows.watching import Objection, Watch
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.acting import ActOutcome
    from domain.contract import canonical
    from domain.rule_log import Act, act_of, remember, rules_of
    from domain.rules import Ruled
    from domain.ruling import Breach, breaches, owed
    from domain.run import Came
    from domain.spec import AgentSpec
    from domain.state import AgentState
    from domain.tools import ToolSpec


class Ruling(Watch):
    """Judges calls before they are let through, and once more before they run.

    Before a turn's calls run, those that were let through count as done: the fourth of four mails
    is refused though none is sent. When a write's turn comes, what was done really counts: a
    refund does not run after a lookup that was to come first and has failed.
    """

    def __init__(self, work: Work) -> None:
        self._state = work.state
        self._levels = levels_of(work.spec, work.state)
        self._rules = rules_of(self._levels)
        self._turn = -1
        self._let_through: list[Act] = []
        self._granted: set[bytes] = set()

    async def before(self, tool: ToolSpec, arguments: dict[str, Any]) -> Objection | None:
        """Refuse a call that breaks a rule, or have a person asked, as the rule says."""
        acts = [*self._state.acts, *self._pending()]
        found = breaches(self._levels, acts, tool, arguments)
        refused = next((breach for breach in found if not breach.ask), None)
        if refused is not None:
            return _refusal(refused)
        if not found:
            return None
        self._granted.add(self._call(tool, arguments))
        return Objection(by="rules", ask="; ".join(map(_told, found)))

    def orders(self, tool: ToolSpec) -> bool:
        """Whether calls must not run at once: each counts for the next, and so do runs below."""
        return bool(tool.agent) or any(tool.name in rule.tools for rule in self._rules)

    def passed(self, tool: ToolSpec, arguments: dict[str, Any]) -> None:
        """Count a call that will run in this turn."""
        self._pending()
        if (act := self._act(tool, arguments)) is not None:
            self._let_through.append(act)

    async def still(self, tool: ToolSpec, arguments: dict[str, Any]) -> Objection | None:
        """Refuse a call that breaks a rule after all; what a person has granted stands."""
        found = breaches(self._levels, self._state.acts, tool, arguments)
        if found and all(each.ask for each in found):
            found = [] if self._call(tool, arguments) in self._granted else found
        return _refusal(found[0]) if found else None

    def ran(self, tool: ToolSpec, arguments: dict[str, Any], outcome: ActOutcome) -> None:
        """Take down a call that did its work, or may have."""
        planned = self._act(tool, arguments)
        if planned is None:
            return
        if planned in self._let_through:
            self._let_through.remove(planned)
        if outcome.kind == "ok" or (outcome.doubt and tool.writes):
            act = self._act(tool, arguments, result=outcome.text, doubt=outcome.doubt)
            remember(self._state.acts, act or planned, self._rules)

    async def answer(self, text: str, shown: Any) -> Objection | None:
        """Refuse an answer while a call that must follow another has not been made."""
        found = owed(self._levels, self._state.acts)
        return _refusal(found[0]) if found else None

    # --- this turn

    def _pending(self) -> list[Act]:
        """Return the calls of this turn that are let through and have not run."""
        if self._turn != len(self._state.turns):
            self._turn = len(self._state.turns)
            self._let_through, self._granted = [], set()
        return self._let_through

    def _act(
        self, tool: ToolSpec, arguments: dict[str, Any], *, result: str = "", doubt: bool = False
    ) -> Act | None:
        return act_of(
            self._rules,
            tool,
            arguments,
            turn=len(self._state.turns),
            level=len(self._levels) - 1,
            result=result,
            doubt=doubt,
        )

    def _call(self, tool: ToolSpec, arguments: dict[str, Any]) -> bytes:
        return canonical([tool.name, arguments])


def levels_of(spec: AgentSpec, state: AgentState) -> tuple[Ruled, ...]:
    """Return the rules that hold in a run, outermost first; its own are the last."""
    return (*state.ruled_by, Ruled(agent=spec.name, rules=spec.rules))


def ruling_of(work: Work) -> list[Watch]:
    """Return what holds a run to its rules; nothing where it has none."""
    return [Ruling(work)] if holds(work.spec, work.state) else []


def holds(spec: AgentSpec, state: AgentState) -> bool:
    """Whether any rule holds in a run."""
    return bool(rules_of(levels_of(spec, state)))


def handed_down(spec: AgentSpec, state: AgentState) -> dict[str, Any]:
    """Return what a run below is held to, as fields of its request; nothing without rules."""
    if not holds(spec, state):
        return {}
    levels = (each.model_copy(update={"above": True}) for each in levels_of(spec, state))
    return {"ruled_by": tuple(levels), "acts": _of_the_past(state.acts)}


def handed_on(spec: AgentSpec, state: AgentState) -> dict[str, Any]:
    """Return the same for the agent that goes on in this run, as fields of its state."""
    if not holds(spec, state):
        return {}
    return {"ruled_by": levels_of(spec, state), "acts": list(_of_the_past(state.acts))}


def take_over(came: Came, spec: AgentSpec, state: AgentState) -> None:
    """Take down what a run below has done; one that left no account may have done anything."""
    if not holds(spec, state):
        return
    rules = rules_of(levels_of(spec, state))
    turn, level = len(state.turns), len(state.ruled_by)
    for act in came.acts:
        remember(state.acts, act.model_copy(update={"turn": turn, "level": level}), rules)
    if came.unaccounted:
        remember(state.acts, Act(turn=turn, level=level, tool="", doubt=True), rules)


def _of_the_past(acts: list[Act]) -> tuple[Act, ...]:
    return tuple(act.model_copy(update={"turn": 0}) for act in acts)


def _refusal(breach: Breach) -> Objection:
    return Objection(by="rules", refuse=_told(breach), hint=breach.hint)


def _told(breach: Breach) -> str:
    return f"rule {breach.rule!r}: {breach.why}"
