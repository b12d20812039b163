"""Which runs of the server are encrypted with a key: what must be gone before the key may go."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

_AT_ONCE: Final = 16
# Processes read the keys a little later than they were written, and clocks differ.
_GRACE: Final = timedelta(minutes=5)


async def runs_under(client: Client, key_id: str, until: datetime | None) -> AsyncGenerator[str]:
    """Yield the ids of runs, and of schedules as `schedule NAME`, that may need a key.

    One began while the key encrypted, or its first event names the key: a run that was reset
    begins later than its history does, and a memo goes on from execution to execution as it is.

    Args:
        client: Of the namespace.
        key_id: The key's.
        until: When the key after it began to encrypt; None where it never did itself.
    """
    batch: list[WorkflowExecution] = []
    async for found in client.list_workflows():
        batch.append(WorkflowExecution(workflow_id=found.id, run_id=found.run_id))
        if len(batch) == _AT_ONCE:
            for run_id in await _those(client, batch, key_id, until):
                yield run_id
            batch = []
    for run_id in await _those(client, batch, key_id, until):
        yield run_id
    async for schedule in await client.list_schedules():
        described = await client.get_schedule_handle(schedule.id).describe()
        if key_id.encode() in described.raw_description.SerializeToString():
            yield f"schedule {schedule.id}"


async def _those(
    client: Client, batch: list[WorkflowExecution], key_id: str, until: datetime | None
) -> list[str]:
    needs = await asyncio.gather(*(_needs(client, run, key_id, until) for run in batch))
    return [run.workflow_id for run, needed in zip(batch, needs, strict=True) if needed]


async def _needs(
    client: Client, run: WorkflowExecution, key_id: str, until: datetime | None
) -> bool:
    request = GetWorkflowExecutionHistoryRequest(
        namespace=client.namespace, execution=run, maximum_page_size=1
    )
    try:
        answer = await client.workflow_service.get_workflow_execution_history(request)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    if not answer.history.events:
        return False
    first = answer.history.events[0]
    began = first.event_time.ToDatetime(UTC)
    return (until is not None and began < until + _GRACE) or (
        key_id.encode() in first.SerializeToString()
    )
