"""A run as one side of a comparison: what it came to, its turns, what it took, who decided."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError
from temporalio.api.enums.v1 import EventType

from commands import history, reading, transcript
from commands.errors import CommandError
from commands.history import Leg
from commands.kinds import name_of
from commands.pages.timeline import ShownTurn, turns_of
from commands.reading import AGENT_WORKFLOW, Closed, Listed
from commands.session import Session
from domain.approval import Decision
from domain.budget import Spend
from domain.run import Status
from domain.runs import RunResult

_CHILD = EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED


@dataclass(frozen=True)
class Side:
    """One of two runs.

    Attributes:
        kind: Its workflow: `agent`, `batch`.
        outcome: How it ended, or the state that it is in.
        forked_from: The run that it was forked from.
        answer: What there is to compare of what it came to: an agent's answer, or the fields of
            another workflow's result that not all results have.
        turns: Its model calls, with those that a fork has from before it; none of a run of
            several, whose runs below have them.
        model_seconds: How long each of its own model calls took.
        tools: How often each tool was called, or each activity and run below was begun.
        below: Runs below it.
    """

    run: Listed
    kind: str
    outcome: str
    reason: str = ""
    forked_from: str = ""
    answer: Any = None
    turns: tuple[ShownTurn, ...] = ()
    spend: Spend = field(default_factory=Spend)
    model_seconds: tuple[float, ...] = ()
    retried: int = 0
    tools: Mapping[str, int] = field(default_factory=dict[str, int])
    decisions: tuple[Decision, ...] = ()
    refused: int = 0
    below: int = 0

    @property
    def seconds(self) -> float:
        """From its start to its end, or to now."""
        return self.run.seconds


async def read(opened: Session, run_id: str) -> Side:
    """Return a run, open or closed.

    Raises:
        CommandError: There is no such run.
    """
    found = reading.listed(await reading.described(opened, run_id))
    legs = await history.legs(opened, run_id)
    closed = await reading.result(opened, run_id) if not found.is_open else None
    said = await reading.status(opened, run_id) if found.is_open else None
    spend, decisions = _account(run_id, closed, said)
    result = closed.result if closed and closed.result else {}
    side = Side(
        run=found,
        kind=name_of(found.workflow),
        outcome=closed.outcome if closed else found.state or "under way",
        reason=_reason(closed),
        decisions=decisions,
        spend=spend,
        below=sum(event.event_type == _CHILD for leg in legs for event in leg.events),
    )
    if found.workflow != AGENT_WORKFLOW:
        return replace(side, answer=_own(result), tools=_begun(legs))
    return await _agent(opened, legs, side, result)


async def _agent(opened: Session, legs: Sequence[Leg], side: Side, result: dict[str, Any]) -> Side:
    told = await transcript.read(opened.client.data_converter, list(legs))
    shown = turns_of(told)
    return replace(
        side,
        forked_from=told.request.forked_from,
        answer=result.get("answer"),
        turns=tuple(shown),
        model_seconds=tuple(step.seconds for step in told.steps),
        retried=sum(step.attempts > 1 for step in told.steps),
        tools=Counter(call.name for turn in shown for call in turn.calls),
        refused=len(result.get("rejections") or ()),
    )


def _account(
    run_id: str, closed: Closed | None, said: Status | None
) -> tuple[Spend, tuple[Decision, ...]]:
    if said is not None:
        return said.spend, said.decisions
    if closed is None or closed.result is None:
        return Spend(), ()
    try:
        result = RunResult.model_validate({"run_id": run_id, **closed.result})
    except ValidationError as error:
        raise CommandError(f"run {run_id!r} has a result that cannot be read: {error}") from None
    return result.spend, result.decisions


def _reason(closed: Closed | None) -> str:
    if closed is None:
        return ""
    return str((closed.result or {}).get("reason") or closed.failure)


def _own(result: dict[str, Any]) -> dict[str, Any]:
    """Return what only this workflow's results have."""
    common = {*RunResult.model_fields, "run_id", "workflow"}
    return {name: value for name, value in result.items() if name not in common}


def _begun(legs: Sequence[Leg]) -> Counter[str]:
    """Return how often each activity, and each kind of run below, was begun."""
    counted: Counter[str] = Counter()
    for leg in legs:
        counted.update(task.type for task in history.activities(leg.events))
        for event in leg.events:
            if event.event_type == _CHILD:
                begun = event.start_child_workflow_execution_initiated_event_attributes
                counted[f"run of {name_of(begun.workflow_type.name)}"] += 1
    return counted
