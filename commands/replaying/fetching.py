"""The runs that the gate looks at: from the server, or from files."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from temporalio.api.history.v1 import HistoryEvent
from temporalio.service import RPCError, RPCStatusCode

from commands import history, reading
from commands.kinds import kinds
from commands.reading import quoted
from commands.replaying.verdict import Run
from commands.session import Session

# Histories that are fetched while another is replayed.
_AHEAD: Final = 4


@dataclass(frozen=True)
class Wanted:
    """Which runs are looked at.

    Attributes:
        query: A visibility query that they also fit; empty for all.
        workflows: Workflow types, or short names as `starter.py list` has them.
        limit: How many that are under way, at most; 0 for all.
        closed: How many that have closed as well, the last ones.
    """

    query: str = ""
    workflows: tuple[str, ...] = ()
    limit: int = 0
    closed: int = 0


@dataclass(frozen=True)
class Listing:
    """The runs that were found.

    Attributes:
        left_out: How many are under way and were not taken.
    """

    runs: list[Run]
    left_out: int = 0


async def listing(session: Session, wanted: Wanted) -> Listing:
    """Return the runs that are wanted, as the server lists them."""
    narrowed = _narrowed(session, wanted)
    under_way = f"ExecutionStatus = 'Running' AND {narrowed}"
    open_runs = await _listed(session, under_way, wanted.limit, is_open=True)
    left_out = 0
    if wanted.limit and len(open_runs) == wanted.limit:
        counted = await session.client.count_workflows(under_way)
        left_out = max(0, counted.count - len(open_runs))
    closed: list[Run] = []
    if wanted.closed:
        over = f"ExecutionStatus != 'Running' AND {narrowed}"
        closed = await _listed(session, over, wanted.closed, is_open=False)
    return Listing([*open_runs, *closed], left_out)


def _narrowed(session: Session, wanted: Wanted) -> str:
    parts = [f"TaskQueue = '{quoted(session.settings.task_queue)}'"]
    if wanted.workflows:
        known = {name: kind.workflow for name, kind in kinds().items()}
        types = (f"'{quoted(known.get(name, name))}'" for name in wanted.workflows)
        parts.append(f"WorkflowType IN ({', '.join(types)})")
    if wanted.query:
        parts.append(f"({wanted.query})")
    return " AND ".join(parts)


async def _listed(session: Session, query: str, limit: int, *, is_open: bool) -> list[Run]:
    found = session.client.list_workflows(query, limit=limit or None)
    rows = [(reading.listed(each), each.run_id) async for each in found]
    return [
        Run(row.run_id, execution, row.workflow, row.agent, row.state, is_open=is_open)
        for row, execution in rows
    ]


async def histories(
    session: Session, runs: Sequence[Run]
) -> AsyncGenerator[tuple[Run, list[HistoryEvent]]]:
    """Yield the runs with their events, the next ones fetched meanwhile; none where it is gone."""
    coming: list[asyncio.Task[list[HistoryEvent]]] = []
    try:
        for index, run in enumerate(runs):
            ahead = runs[index + len(coming) : index + _AHEAD]
            coming += [asyncio.create_task(_events(session, each)) for each in ahead]
            yield run, await coming.pop(0)
    finally:
        for task in coming:
            task.cancel()


async def _events(session: Session, run: Run) -> list[HistoryEvent]:
    handle = session.client.get_workflow_handle(run.run_id, run_id=run.execution)
    try:
        return [event async for event in handle.fetch_history_events()]
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return []
        raise


def from_file(path: Path) -> tuple[Run, list[HistoryEvent]]:
    """Return the run whose history a file holds.

    Raises:
        Misuse: The file holds no history.
    """
    events = history.from_file(path)[0].events
    started = events[0].workflow_execution_started_event_attributes
    kind = started.workflow_type.name
    return Run(
        started.workflow_id or path.stem,
        started.original_execution_run_id,
        kind,
        source=str(path),
        is_open=not _is_closed(events),
    ), events


def _is_closed(events: Sequence[HistoryEvent]) -> bool:
    last = history.name(events[-1])
    return (
        len(events) > 1
        and last.startswith("WorkflowExecution")
        and last.endswith(
            ("Completed", "Failed", "Canceled", "Terminated", "TimedOut", "ContinuedAsNew")
        )
    )
