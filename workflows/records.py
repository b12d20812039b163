"""What every run leaves in the database when it closes; the history has a retention."""

from pydantic import BaseModel
from temporalio import workflow

from workflows import policies

with workflow.unsafe.imports_passed_through():
    from domain.activity import DeadLetter, Report
    from domain.lifecycle import State
    from domain.run import Outcome

FINAL = {
    Outcome.COMPLETED: State.COMPLETE,
    Outcome.LIMIT: State.COMPLETE,
    Outcome.REJECTED: State.REJECTED,
    Outcome.ABORTED: State.REJECTED,
    Outcome.CANCELLED: State.FAILED,
    Outcome.FAILED: State.FAILED,
}


async def keep_dead_letter(agent: str, tenant: str, reason: str, request: BaseModel) -> None:
    """Keep a refused input, so that it can be mended and sent again."""
    info = workflow.info()
    letter = DeadLetter(
        run_id=info.workflow_id,
        workflow=info.workflow_type,
        agent=agent,
        tenant=tenant,
        reason=reason,
        payload=request.model_dump(mode="json", exclude_unset=True),
    )
    await workflow.execute_local_activity("dead_letters.put", letter, **policies.RECORD)


async def keep_report(agent: str, tenant: str, outcome: Outcome, result: BaseModel) -> None:
    """Keep what the run came to."""
    info = workflow.info()
    report = Report(
        run_id=info.workflow_id,
        workflow=info.workflow_type,
        agent=agent,
        tenant=tenant,
        outcome=outcome.value,
        started_at=info.workflow_start_time,
        result=result.model_dump(mode="json"),
    )
    await workflow.execute_local_activity("runs.put", report, **policies.RECORD)


def said(error: Exception) -> str:
    """Return why a run failed, in one line."""
    return getattr(error, "message", "") or f"{type(error).__name__}: {error}"
