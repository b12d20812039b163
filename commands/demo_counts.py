"""What the kill cost, counted from outside: by the model's server and by the histories."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from commands import bench, history, reading
from commands.session import Session
from domain.thinking import ThinkRequest


@dataclass(frozen=True)
class Counts:
    """Model calls.

    Attributes:
        asked: Requests that reached the model.
        recorded: Replies that are in a history.
        cut_off: Asked again because the answer had not been recorded when the worker died.
        repeated: Asked again although the answer was recorded: what must never be.
    """

    asked: int
    recorded: int
    cut_off: int
    repeated: int


async def count(opened: Session, run_id: str, record: Path) -> Counts:
    """Count over all agents' runs below `run_id`."""
    query = f"{reading.within(run_id)} AND WorkflowType = '{reading.AGENT_WORKFLOW}'"
    names = {found.id async for found in opened.client.list_workflows(query)}
    each = [await _of_run(opened, name, record) for name in sorted(names)]
    return Counts(
        asked=sum(one.asked for one in each),
        recorded=sum(one.recorded for one in each),
        cut_off=sum(one.cut_off for one in each),
        repeated=sum(one.repeated for one in each),
    )


async def _of_run(opened: Session, run_id: str, record: Path) -> Counts:
    recorded: list[float] = []
    lineage = ""
    for leg in await history.legs(opened, run_id):
        for task in history.activities(leg.events):
            if task.type != "llm.think":
                continue
            given = task.event.activity_task_scheduled_event_attributes.input
            lineage = (
                await history.typed(opened.client.data_converter, given, ThinkRequest)
            ).lineage
            if task.done is not None:
                recorded.append(task.done.event_time.ToNanoseconds() / 1e9)
    seen = await bench.stats(record, f"/stats/{lineage}") if lineage else None
    arrivals: list[dict[str, Any]] = seen["list"] if seen else []
    repeated, cut_off = again(arrivals, recorded)
    return Counts(len(arrivals), len(recorded), cut_off, repeated)


def again(arrivals: list[dict[str, Any]], recorded: list[float]) -> tuple[int, int]:
    """Return how many requests came again after, and how many before, a reply was recorded.

    A run asks one thing at a time. So between two arrivals of the same request a reply was
    recorded only if it was the reply to that request.
    """
    moments: dict[str, list[float]] = {}
    for call in arrivals:
        moments.setdefault(call["request"], []).append(call["at"])
    pairs = [pair for times in moments.values() for pair in pairwise(sorted(times))]
    after = sum(any(first < done <= second for done in recorded) for first, second in pairs)
    return after, len(pairs) - after
