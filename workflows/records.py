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


async def keep_dead_letter(
    agent: str,
    tenant: str,
    reason: str,
    request: BaseModel,
    *,
    task: str = "",
    lineage: str = "",
) -> str:
    """Keep a refused input, or a task that failed for good; return the letter's id.

    Args:
        agent: Whose letter it is.
        tenant: Whose run it was.
        reason: Why it was refused, or what went wrong last.
        request: What starts it again.
        task: The task's id.
        lineage: Of the run whose task it is.
    """
    info = workflow.info()
    letter = DeadLetter(
        run_id=info.workflow_id,
        workflow=info.workflow_type,
        agent=agent,
        tenant=tenant,
        reason=reason,
        payload=request.model_dump(mode="json", exclude_unset=True),
        task=task,
        lineage=lineage,
    )
    # Untyped: runs of before the letter's id was told have nothing here.
    kept = await workflow.execute_local_activity("dead_letters.put", letter, **policies.RECORD)
    return str(kept or "")


async def keep_report(
    agent: str, tenant: str, outcome: Outcome, result: BaseModel, *, by: str = ""
) -> None:
    """Keep what the run came to, and who asked for it."""
    info = workflow.info()
    report = Report(
        run_id=info.workflow_id,
        workflow=info.workflow_type,
        agent=agent,
        tenant=tenant,
        outcome=outcome.value,
        started_at=info.workflow_start_time,
        result=result.model_dump(mode="json"),
        by=by,
    )
    await workflow.execute_local_activity("runs.put", report, **policies.RECORD)


def said(error: Exception) -> str:
    """Return why a run failed, in one line."""
    return getattr(error, "message", "") or f"{type(error).__name__}: {error}"
