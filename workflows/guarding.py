"""What a run has read of strangers, and what its guardrails let it do after that.

The rules are pure and take microseconds, so they run in the workflow: for a model's calls, for
arguments that a person changed, for a fallback and for what a workflow does by itself.
"""

from collections.abc import Iterable
from typing import Any

from temporalio import workflow

from workflows.watching import Objection, Watch
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.acting import ActOutcome
    from domain.guard import GuardPolicy
    from domain.spec import AgentSpec
    from domain.state import AgentState
    from domain.taint import Taint
    from domain.tools import ToolSpec

_MOST_OWN = 500  # references kept; what is not known for ours counts as from outside
_MOST_SHOWN = 3
_REFERENCE = "reference"


def begin(state: AgentState, spec: AgentSpec, known: Iterable[Taint]) -> None:
    """Note what a run has from strangers before its first turn."""
    state.taint(known)
    if spec.guards is not None and spec.guards.task_source == "outside":
        state.taint([Taint(source="task")])


def is_outside(state: AgentState, tool: ToolSpec, arguments: dict[str, Any]) -> bool:
    """Whether a call's result is strangers' words: by the tool, or by what it pages through."""
    if tool.source == "kept":
        return arguments.get(_REFERENCE) not in state.own_results
    return tool.source == "outside"


def note_source(state: AgentState, tool: ToolSpec, arguments: dict[str, Any]) -> None:
    """Note whose words a call brings into the run, in whatever way it will end."""
    if is_outside(state, tool, arguments):
        state.taint([Taint(source=tool.name, turn=len(state.turns))])


def note_result(
    state: AgentState, tool: ToolSpec, arguments: dict[str, Any], outcome: ActOutcome
) -> None:
    """Note what a result says of itself: strangers had a part in it, or its pages are ours."""
    if outcome.outside:
        why = "strangers had a part in what it returned"
        state.taint([Taint(source=tool.name, turn=len(state.turns), why=why)])
        return
    known = outcome.artifact in state.own_results
    if outcome.artifact and not known and not is_outside(state, tool, arguments):
        state.own_results = [*state.own_results, outcome.artifact][:_MOST_OWN]


class TaintWatch(Watch):
    """After strangers' words were read, puts every write before a person."""

    def __init__(self, work: Work, guards: GuardPolicy) -> None:
        self._state = work.state
        self._guards = guards

    async def before(self, tool: ToolSpec, arguments: dict[str, Any]) -> Objection | None:
        """Ask about a write of a tainted run, and say what tainted it."""
        read = self._state.tainted
        if not tool.writes or not read or tool.name in self._guards.tainted_writes_allowed:
            return None
        shown = "; ".join(each.sentence for each in read[:_MOST_SHOWN])
        more = f"; and {len(read) - _MOST_SHOWN} more" if len(read) > _MOST_SHOWN else ""
        return Objection(
            by="taint",
            ask=f"the run has read what strangers wrote, who may want this: {shown}{more}",
        )


class RulesWatch(Watch):
    """Refuses what the tenant may not use, and arguments that break a declared rule."""

    def __init__(self, guards: GuardPolicy) -> None:
        self._guards = guards

    async def before(self, tool: ToolSpec, arguments: dict[str, Any]) -> Objection | None:
        """Refuse by privilege first, then by the rules over arguments."""
        privilege = self._guards.privilege
        if privilege is not None and (reason := privilege.refuses(tool)):
            return Objection(by="privilege", refuse=reason, hint="go on without it, or say so")
        if wrong := self._guards.broken(tool.name, arguments):
            hint = "propose it with arguments that keep the rule, or go on without it"
            return Objection(by="arguments", refuse=wrong, hint=hint)
        return None


def guards_of(work: Work) -> list[Watch]:
    """Return the watches that an agent's guardrails ask for."""
    guards = work.spec.guards
    if guards is None:
        return []
    found: list[Watch] = [RulesWatch(guards)]
    return [*found, TaintWatch(work, guards)] if guards.taint else found
