"""What a run of the agent `bench` measures: its history, turn by turn."""

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from commands import console, history, results
from commands.errors import Exit
from commands.history import Leg
from commands.reading import Closed
from commands.session import Session
from domain.run import AgentResult
from domain.thinking import ThinkRequest

AGENT: Final = "bench"
OFFLINE_RECORD: Final = "offline.json"
_EVERY: Final = 10
_THINK: Final = "llm.think"


@dataclass(frozen=True)
class Measured:
    """Figures of a run's history.

    Attributes:
        by_turn: Bytes up to the end of every tenth turn.
        repeated: Model calls whose answer was in the history already.
    """

    events: int
    by_turn: list[int]
    repeated: int
    seconds: float


async def report(opened: Session, run_id: str, closed: Closed) -> Exit:
    """Print a bench run's figures as JSON.

    Raises:
        CommandError: It closed as failed.
    """
    if closed.result is None:
        raise results.failed(run_id, closed.failure)
    result = AgentResult.model_validate(closed.result)
    legs = await history.legs(opened, run_id)
    found = measured(legs, _turns_of(await _thinks(opened, legs)))
    asked_twice = await stand_in_repeats(opened, legs)
    console.emit(
        {
            "turns": result.tool_calls,
            "model_calls": result.spend.steps,
            "tool_calls": result.tool_calls,
            "repeated_model_calls": found.repeated if asked_twice is None else asked_twice,
            "history_events": found.events,
            "history_bytes": await _history_bytes(opened, run_id, legs),
            "bytes_by_turn": found.by_turn,
            "continued_as_new": len(legs) - 1,
            "seconds": round(found.seconds, 3),
            "run_id": run_id,
            "outcome": result.outcome,
        }
    )
    return results.code(result.outcome)


def measured(legs: list[Leg], turns: dict[tuple[str, int], int]) -> Measured:
    """Return the figures of a run's executions.

    Args:
        legs: The executions, oldest first.
        turns: Which turn each model call's scheduling event begins, by execution and event.
    """
    by_turn: list[int] = []
    size, answered, repeated = 0, set[int](), 0
    for leg in legs:
        for task in history.activities(leg.events):
            turn = turns.get((leg.execution, task.event.event_id))
            if turn is not None and task.done is not None:
                repeated += turn in answered
                answered.add(turn)
        for event in leg.events:
            turn = turns.get((leg.execution, event.event_id))
            # A call's turn ends where the next begins.
            if turn is not None and turn - 1 == (len(by_turn) + 1) * _EVERY:
                by_turn.append(size)
            size += event.ByteSize()
    events = sum(len(leg.events) for leg in legs)
    seconds = (_at(legs[-1].events[-1]) - _at(legs[0].events[0])).total_seconds()
    return Measured(events, by_turn, repeated, seconds)


async def stand_in_repeats(opened: Session, legs: list[Leg]) -> int | None:
    """Return how many answered requests the offline model saw again; None where it is not ours."""
    record = opened.settings.home / OFFLINE_RECORD
    if not record.exists():
        return None
    thinks = await _thinks(opened, legs)
    if not thinks:
        return 0
    lineage = next(iter(thinks.values())).lineage
    found = await stats(record, f"/stats/{lineage}")
    return int(found["repeated"]) if found and found["calls"] else None


async def stats(record: Path, path: str = "/stats") -> dict[str, Any] | None:
    """Return what the offline model has counted, None where it does not answer."""
    import httpx  # noqa: PLC0415 - a third of a second that no other command needs

    try:
        text = await asyncio.to_thread(record.read_text, encoding="utf-8")
        address = str(json.loads(text)["address"])
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            return (await client.get(f"{address}{path}")).raise_for_status().json()
    except (OSError, ValueError, KeyError, httpx.HTTPError):
        return None


async def _thinks(opened: Session, legs: list[Leg]) -> dict[tuple[str, int], ThinkRequest]:
    found: dict[tuple[str, int], ThinkRequest] = {}
    for leg in legs:
        for event in leg.events:
            if event.event_type != EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                continue
            scheduled = event.activity_task_scheduled_event_attributes
            if scheduled.activity_type.name == _THINK:
                key = (leg.execution, event.event_id)
                converter = opened.client.data_converter
                found[key] = await history.typed(converter, scheduled.input, ThinkRequest)
    return found


def _turns_of(thinks: dict[tuple[str, int], ThinkRequest]) -> dict[tuple[str, int], int]:
    return {key: request.turn for key, request in thinks.items()}


async def _history_bytes(opened: Session, run_id: str, legs: list[Leg]) -> int:
    total = 0
    for leg in legs:
        handle = opened.client.get_workflow_handle(run_id, run_id=leg.execution)
        total += (await handle.describe()).raw_info.history_size_bytes
    return total


def _at(event: HistoryEvent) -> datetime:
    return event.event_time.ToDatetime()
