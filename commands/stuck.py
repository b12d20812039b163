"""Runs that their workers cannot go on with: code that does not fit their histories, mostly.

Such a run keeps all that it has and waits for the right code, and nothing in its state says so:
the server tries its next task again and again. A fresh task is never tried twice.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionDescription
from temporalio.service import RPCError, RPCStatusCode

from commands.errors import one_line
from commands.reading import quoted
from commands.session import Session

# One question each to the server, so many at once; the newest runs are asked about.
_MOST: Final = 300
_AT_ONCE: Final = 20
_CHANCE: Final = 2
_FAILED: Final = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED


@dataclass(frozen=True)
class Stuck:
    """A run whose next task was tried more than once.

    Attributes:
        attempts: How often so far.
        reason: What the worker said the first time; empty where nobody answered.
    """

    run_id: str
    attempts: int
    reason: str


async def stuck(session: Session, most: int = _MOST) -> list[Stuck]:
    """Return the runs under way that are stuck, among the `most` newest."""
    query = f"ExecutionStatus = 'Running' AND TaskQueue = '{quoted(session.settings.task_queue)}'"
    ids = [run.id async for run in session.client.list_workflows(query, limit=most)]
    places = asyncio.Semaphore(_AT_ONCE)

    async def looked(run_id: str) -> Stuck | None:
        async with places:
            return await _looked(session, run_id)

    found = await asyncio.gather(*map(looked, ids))
    return [each for each in found if each is not None]


async def _looked(session: Session, run_id: str) -> Stuck | None:
    try:
        found = await session.handle(run_id).describe()
        attempts = found.raw_description.pending_workflow_task.attempt
        if attempts < 2:  # noqa: PLR2004 - the first is no repetition
            return None
        reason = await _reason(session, found)
        # Once more without a reason is a worker that has just been stopped.
        return Stuck(run_id, attempts, reason) if reason or attempts > _CHANCE else None
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


async def _reason(session: Session, run: WorkflowExecutionDescription) -> str:
    """Return what was wrong with the last task that a worker gave back."""
    handle = session.client.get_workflow_handle(run.id, run_id=run.run_id)
    said = ""
    async for event in handle.fetch_history_events():
        if event.event_type == _FAILED:
            said = event.workflow_task_failed_event_attributes.failure.message
    return one_line(said)
