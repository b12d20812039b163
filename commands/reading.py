"""What can be known of a run: from the server, from the run itself, from the database."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import (
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import CancelledError
from temporalio.service import RPCError, RPCStatusCode

from commands.errors import CommandError, root
from commands.kinds import kinds
from commands.session import Session
from domain.approval import Question
from domain.run import Status

AGENT_WORKFLOW = "AgentWorkflow"
AUDIT_WORKFLOW = "AuditWorkflow"
# Every workflow that a person attends; a new one is listed, watched and answered by itself.
OURS = "WorkflowType IN ({})".format(", ".join(f"'{each.workflow}'" for each in kinds().values()))

WAITS = frozenset({"PENDING_APPROVAL", "STOPPED"})

_AGENT = SearchAttributeKey.for_keyword("AgentName")
_TENANT = SearchAttributeKey.for_keyword("Tenant")
_STATE = SearchAttributeKey.for_keyword("AgentState")
_AWAITING = SearchAttributeKey.for_bool("AwaitingApproval")
_COST = SearchAttributeKey.for_float("CostUsd")
_QUERY_TIMEOUT = timedelta(seconds=5)


@dataclass(frozen=True)
class Listed:
    """A run as the server lists it; no worker is needed to know this."""

    run_id: str
    workflow: str
    agent: str
    tenant: str
    state: str
    execution: str
    awaits_approval: bool
    cost_usd: float
    started_at: datetime
    closed_at: datetime | None
    parent: str

    @property
    def seconds(self) -> float:
        """How long it has been there."""
        return ((self.closed_at or datetime.now(UTC)) - self.started_at).total_seconds()

    @property
    def waits(self) -> bool:
        """Whether it goes on only when a person says so."""
        return self.is_open and (self.awaits_approval or self.state in WAITS)

    @property
    def is_open(self) -> bool:
        """Whether it is under way."""
        return self.closed_at is None


def listed(execution: WorkflowExecution) -> Listed:
    """Return what the server says of one run."""
    found = execution.typed_search_attributes
    status = execution.status.name if execution.status else ""
    return Listed(
        run_id=execution.id,
        workflow=execution.workflow_type,
        agent=found.get(_AGENT, ""),
        tenant=found.get(_TENANT, ""),
        state=found.get(_STATE, ""),
        execution=status,
        awaits_approval=found.get(_AWAITING, False),
        cost_usd=found.get(_COST, 0.0),
        started_at=execution.start_time,
        closed_at=execution.close_time,
        parent=execution.parent_id or "",
    )


async def described(session: Session, run_id: str) -> WorkflowExecutionDescription:
    """Return what the server knows of a run.

    Raises:
        CommandError: There is no such run.
    """
    try:
        return await session.handle(run_id).describe()
    except RPCError as error:
        if error.status in {RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT}:
            raise CommandError(
                f"there is no run {run_id!r}; `python starter.py list` shows those there are"
            ) from None
        raise


async def status(session: Session, run_id: str) -> Status | None:
    """Return what the run says of itself; None where no worker can answer for it."""
    try:
        return await session.client.get_workflow_handle(run_id).query(
            "status", result_type=Status, rpc_timeout=_QUERY_TIMEOUT
        )
    except (WorkflowQueryFailedError, WorkflowQueryRejectedError):
        return None
    except RPCError as error:
        if error.status in {
            RPCStatusCode.DEADLINE_EXCEEDED,
            RPCStatusCode.FAILED_PRECONDITION,
            RPCStatusCode.CANCELLED,
            RPCStatusCode.UNKNOWN,
        }:
            return None
        raise


def question(said: Status | None) -> Question | None:
    """Return the open question, if there is one."""
    return Question.model_validate(said.question) if said and said.question else None


async def waiting(session: Session, run_id: str) -> list[Listed]:
    """Return the runs under `run_id`, itself included, that wait for a person."""
    query = (
        f"{within(run_id)} AND ExecutionStatus = 'Running' AND "
        "(AwaitingApproval = true OR AgentState IN ('PENDING_APPROVAL', 'STOPPED'))"
    )
    return [listed(found) async for found in session.client.list_workflows(query)]


async def under_way(session: Session, run_id: str) -> list[Listed]:
    """Return the runs below `run_id` that are open."""
    query = f"{below(run_id)} AND ExecutionStatus = 'Running'"
    return [listed(found) async for found in session.client.list_workflows(query)]


def below(run_id: str) -> str:
    """Return the query of the runs below a run, wherever it stands in a tree."""
    return f"WorkflowId STARTS_WITH '{quoted(run_id)}/'"


def within(run_id: str) -> str:
    """Return the query of a run and of the runs below it."""
    return f"(WorkflowId = '{quoted(run_id)}' OR {below(run_id)})"


def quoted(text: str) -> str:
    """Return `text` for a string of a visibility query."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


@dataclass(frozen=True)
class Closed:
    """How a run ended: its result as JSON types, or why there is none."""

    result: dict[str, Any] | None
    failure: str = ""
    cancelled: bool = False

    @property
    def outcome(self) -> str:
        """The outcome in one word."""
        if self.result:
            return str(self.result.get("outcome", ""))
        return "cancelled" if self.cancelled else "failed"


async def result(session: Session, run_id: str) -> Closed:
    """Wait for the end of a run, over all that it continues as, and return it."""
    try:
        found = await session.client.get_workflow_handle(run_id).result()
    except WorkflowFailureError as error:
        if not isinstance(error.cause, CancelledError):
            return Closed(None, root(error))
        # The server has no result of a run that was cancelled; the run has kept one.
        return Closed(await kept(session, run_id), root(error), cancelled=True)
    return Closed(found if isinstance(found, dict) else {"answer": found})  # pyright: ignore[reportUnknownArgumentType]


async def kept(session: Session, run_id: str) -> dict[str, Any] | None:
    """Return the result that the database has kept, None where it has none."""
    from runtime.runs import Runs  # noqa: PLC0415

    run = await Runs(session.database).get(run_id)
    return json.loads(run.result) if run and run.result else None


def is_closed(description: WorkflowExecution) -> bool:
    """Whether the run has ended."""
    return description.status is not WorkflowExecutionStatus.RUNNING
