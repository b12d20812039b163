"""Where an execution stands: in which trace, under which span.

A logical run is one trace, whatever it continued as and however often it was resumed: its first
execution's id is in all of them. A run below another one is in that one's trace.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from runtime.tracing.ids import call_of, leg_of, root_of, trace_of
from runtime.tracing.payloads import Payloader, as_object, when
from runtime.tracing.span import Link

AGENT: Final = "AgentWorkflow"
# Their runs below are a list of any length, each its own matter: a trace of ten thousand documents
# could not be looked at. Each has its own trace, which links to the list's.
_LISTS: Final = frozenset({"BatchWorkflow", "TriageWorkflow"})
_MOST: Final = 5_000
_FIELDS: Final = ("agent", "tenant", "by", "forked_from")
_Kept = TypeVar("_Kept")


@dataclass(frozen=True)
class Begun:
    """What the first event of an execution says.

    Attributes:
        first: Run id of the logical run's first execution.
        original: Another run id than its own: it was reset from there.
        continued: Run id of the execution that continued as this one; empty for none.
        above: Workflow id and run id of the run above; empty for none.
        asked_by: Number of the event of the run above that asked for this one.
        at: Nanoseconds since 1970.
    """

    workflow_id: str
    run_id: str
    workflow: str
    first: str
    original: str
    continued: str
    above: tuple[str, str]
    asked_by: int
    at: int
    agent: str = ""
    tenant: str = ""
    by: str = ""
    forked_from: str = ""


@dataclass(frozen=True)
class Standing:
    """Where an execution stands.

    Attributes:
        began: What the first event of the logical run says.
        under: The span that its turns are under: the run's own, or that of a resumed leg.
        parent: The span that `under` is under; 0: none.
        own_leg: `under` is this execution's alone, since the run had closed before it.
    """

    run_id: str
    workflow_id: str
    began: Begun
    trace: int
    under: int
    parent: int
    own_leg: bool = False
    links: tuple[Link, ...] = ()


Looking = Callable[[str, str], Awaitable[HistoryEvent | None]]
"""Returns the first event of an execution, by workflow id and run id; None where it is gone."""


class Family:
    """Knows where executions stand; what was looked up is kept for a while."""

    def __init__(
        self,
        look: Looking,
        payloads: Payloader,
        origin: Callable[[str, int], Awaitable[str]] | None = None,
    ) -> None:
        self._look = look
        self._payloads = payloads
        self._origin = origin
        self._begun: OrderedDict[str, Begun | None] = OrderedDict()
        self._standing: OrderedDict[str, Standing | None] = OrderedDict()

    async def standing(self, workflow_id: str, run_id: str) -> Standing | None:
        """Return where an execution stands; None where its history is gone."""
        if run_id not in self._standing:
            _keep(self._standing, run_id, await self._find(workflow_id, run_id))
        return self._standing[run_id]

    async def _find(self, workflow_id: str, run_id: str) -> Standing | None:
        begun = await self.begun(workflow_id, run_id)
        first = begun and await self.begun(workflow_id, begun.first)
        if begun is None:
            return None
        first = first or begun
        trace, parent, links = await self._above(first)
        root = root_of(begun.first)
        if await self._resumed(begun):
            return Standing(run_id, workflow_id, first, trace, leg_of(run_id), root, own_leg=True)
        return Standing(run_id, workflow_id, first, trace, root, parent, links=links)

    async def _above(self, first: Begun) -> tuple[int, int, tuple[Link, ...]]:
        """Return trace, parent and links of a logical run."""
        own = trace_of(first.first)
        if first.forked_from and self._origin is not None:
            origin = await self._origin(first.forked_from, first.at)
            link = Link(trace_of(origin), root_of(origin), "forked from")
            return own, 0, (link,) if origin else ()
        if not first.above[1]:
            return own, 0, ()
        above = await self.standing(*first.above)
        parent = await self.begun(*first.above)
        if above is None or parent is None:
            return own, 0, ()
        if parent.workflow in _LISTS:
            return own, 0, (Link(above.trace, above.under, f"asked for by {parent.workflow}"),)
        if parent.workflow == AGENT:
            return above.trace, call_of(first.above[1], first.asked_by), ()
        return above.trace, above.under, ()

    async def _resumed(self, begun: Begun) -> bool:
        """Whether this execution, or one that continued as it, was reset after its end."""
        here: Begun | None = begun
        while here is not None:
            if here.original != here.run_id:
                return True
            if not here.continued:
                return False
            here = await self.begun(here.workflow_id, here.continued)
        return False

    async def begun(self, workflow_id: str, run_id: str) -> Begun | None:
        """Return what an execution's first event says; None where it is gone."""
        if run_id not in self._begun:
            event = await self._look(workflow_id, run_id)
            found = event and await self._said(workflow_id, run_id, event)
            _keep(self._begun, run_id, found)
        return self._begun[run_id]

    async def _said(self, workflow_id: str, run_id: str, event: HistoryEvent) -> Begun:
        started = event.workflow_execution_started_event_attributes
        asked = as_object(await self._payloads.first(started.input))
        above = started.parent_workflow_execution
        return Begun(
            workflow_id=workflow_id,
            run_id=run_id,
            workflow=started.workflow_type.name,
            first=started.first_execution_run_id or run_id,
            original=started.original_execution_run_id or run_id,
            continued=started.continued_execution_run_id,
            above=(above.workflow_id, above.run_id),
            asked_by=started.parent_initiated_event_id,
            at=when(event),
            **{name: str(asked.get(name) or "") for name in _FIELDS},
        )


def _keep(kept: OrderedDict[str, _Kept], key: str, value: _Kept) -> None:
    kept[key] = value
    if len(kept) > _MOST:
        kept.popitem(last=False)


def first_event(client: Client) -> Looking:
    """Return what asks the server for the first event of an execution."""

    async def look(workflow_id: str, run_id: str) -> HistoryEvent | None:
        asked = GetWorkflowExecutionHistoryRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
            maximum_page_size=1,
        )
        try:
            found = await client.workflow_service.get_workflow_execution_history(asked)
        except RPCError as error:
            if error.status in {RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT}:
                return None
            raise
        return found.history.events[0] if found.history.events else None

    return look


def origin_of(client: Client) -> Callable[[str, int], Awaitable[str]]:
    """Return what finds the logical run under an id that a fork was taken from.

    An id can have been given to several runs, one after the other: it is the latest that had begun
    when the fork did.
    """

    async def origin(workflow_id: str, before: int) -> str:
        quoted = workflow_id.replace("\\", "\\\\").replace("'", "\\'")
        begun = [
            (found.start_time.timestamp(), found.run_id)
            async for found in client.list_workflows(f"WorkflowId = '{quoted}'")
        ]
        earlier = [run_id for at, run_id in sorted(begun) if at * 1e9 <= before]
        if not earlier:
            return ""
        event = await first_event(client)(workflow_id, earlier[-1])
        started = event.workflow_execution_started_event_attributes if event else None
        return started.first_execution_run_id if started else ""

    return origin
