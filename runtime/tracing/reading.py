"""Reading histories from the server: all of one, or what was added since."""

from typing import Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import (
    GetWorkflowExecutionHistoryRequest,
    GetWorkflowExecutionHistoryReverseRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

_PAGE: Final = 200
_GONE: Final = frozenset({RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT})


class Histories:
    """Reads the histories of one namespace."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def since(self, workflow_id: str, run_id: str, last: int) -> list[HistoryEvent] | None:
        """Return the events after number `last`, in order; None where the history is gone."""
        execution = WorkflowExecution(workflow_id=workflow_id, run_id=run_id)
        try:
            if last:
                return await self._newest(execution, last)
            return await self._all(execution)
        except RPCError as error:
            if error.status in _GONE:
                return None
            raise

    async def _all(self, execution: WorkflowExecution) -> list[HistoryEvent]:
        found: list[HistoryEvent] = []
        token = b""
        while True:
            page = await self._client.workflow_service.get_workflow_execution_history(
                GetWorkflowExecutionHistoryRequest(
                    namespace=self._client.namespace,
                    execution=execution,
                    next_page_token=token,
                )
            )
            found += page.history.events
            token = page.next_page_token
            if not token:
                return found

    async def _newest(self, execution: WorkflowExecution, last: int) -> list[HistoryEvent]:
        """Read from the end, so that a long history is not read again for its last events."""
        found: list[HistoryEvent] = []
        token = b""
        while True:
            page = await self._client.workflow_service.get_workflow_execution_history_reverse(
                GetWorkflowExecutionHistoryReverseRequest(
                    namespace=self._client.namespace,
                    execution=execution,
                    next_page_token=token,
                    maximum_page_size=_PAGE,
                )
            )
            found += (event for event in page.history.events if event.event_id > last)
            token = page.next_page_token
            reached = any(event.event_id <= last for event in page.history.events)
            if reached or not token:
                return found[::-1]

    async def length(self, workflow_id: str, run_id: str) -> int:
        """Return how many events an execution has; 0 where it is gone."""
        try:
            handle = self._client.get_workflow_handle(workflow_id, run_id=run_id)
            return (await handle.describe()).history_length or 0
        except RPCError as error:
            if error.status in _GONE:
                return 0
            raise
