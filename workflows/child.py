"""One run below another: started, awaited, and accounted for, whatever becomes of it.

A run below has its own prompt, tools and transcript; of the run above it gets the typed task and
nothing else. It is asked under an id and a lineage that its caller can name again, so that after
a reset of the caller what it has done is taken over and not done twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import (
    ActivityError,
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)
from temporalio.workflow import ParentClosePolicy

from workflows import policies

with workflow.unsafe.imports_passed_through():
    from domain import page
    from domain.budget import Limits, LimitsOverride, Spend
    from domain.contract import canonical, digest
    from domain.run import AgentRequest, AgentResult, Came, Kept, KeptRequest
    from domain.runs import Outcome

_MOST_AGAIN = 20  # ids tried for a run whose id is taken by another request's run


@dataclass(frozen=True)
class Child:
    """What is asked of a run below.

    Attributes:
        id: Names it below the run above; stable, and no other's.
        task: Text, or an object that is handed on as JSON.
        data: Inputs of its tools, which its model neither sees nor sets.
        limits: What differs from the agent's own limits.
        answer_schema: JSON Schema of its answer, where it is not the agent's own.
        summary: One line, for lists.
    """

    id: str
    agent: str
    task: str | Mapping[str, Any]
    data: Mapping[str, str] = field(default_factory=dict[str, str])
    limits: LimitsOverride | None = None
    answer_schema: dict[str, Any] | None = None
    summary: str = ""

    @property
    def text(self) -> str:
        """The task as the agent reads it."""
        return self.task if isinstance(self.task, str) else canonical(dict(self.task)).decode()


async def run_child(child: Child, request: AgentRequest, share: Limits) -> Came:
    """Run `request` as a child; what goes wrong with it is told, not raised.

    Args:
        child: Names it.
        request: What it is given; its lineage tells the same request again.
        share: What it may use, and is charged where it leaves no account.

    Raises:
        asyncio.CancelledError: The run above is cancelled; the child was, and has ended.
    """
    run_id = f"{workflow.info().workflow_id}/{child.id}"
    for again in range(_MOST_AGAIN):
        came = await _run_as(f"{run_id}~{again}" if again else run_id, child, request, share)
        if came is not None:
            return came
    return _lost(child, run_id, share, "its id is taken by runs of other requests")


async def _run_as(run_id: str, child: Child, request: AgentRequest, share: Limits) -> Came | None:
    """Run it under `run_id`; None where that is the id of another request's run."""
    try:
        result = await workflow.execute_child_workflow(
            "AgentWorkflow",
            request,
            id=run_id,
            result_type=AgentResult,
            parent_close_policy=ParentClosePolicy.REQUEST_CANCEL,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            static_summary=page.plain(child.summary, 200) or None,
        )
    except WorkflowAlreadyStartedError:
        return await _adopted(run_id, child, request)
    except ChildWorkflowError as error:
        if is_cancelled_exception(error):
            raise
        return _lost(child, run_id, share, f"its run failed: {error.__cause__ or error}")
    return _came(child, result)


async def _adopted(run_id: str, child: Child, request: AgentRequest) -> Came | None:
    """Take over what a run under this id came to before, if it was for the same request."""
    try:
        kept = await workflow.execute_activity(
            "runs.get",
            KeptRequest(run_id=run_id, lineage=request.lineage),
            result_type=Kept,
            **policies.ADOPT,
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        return None
    if kept.result is None:
        return None
    return _came(child, kept.result).model_copy(update={"adopted": True})


def _came(child: Child, result: AgentResult) -> Came:
    return Came(
        id=child.id,
        run_id=result.run_id,
        agent=child.agent,
        outcome=result.outcome,
        answer=result.answer,
        logprobs=result.logprobs,
        reason=result.reason,
        spend=result.spend,
        model=result.model,
        not_done=result.not_done,
        writes=result.writes,
        acts=result.acts,
        undone=result.undone,
        waited_s=result.waited_s,
        tainted=result.tainted,
    )


def _lost(child: Child, run_id: str, share: Limits, reason: str) -> Came:
    """Return what a run came to that left no account: it is charged its whole share."""
    return Came(
        id=child.id,
        run_id=run_id,
        agent=child.agent,
        outcome=Outcome.FAILED,
        reason=reason,
        spend=Spend(tokens=share.tokens, cost_usd=share.cost_usd),
        unaccounted=True,
    )


def lineage_of(above: str, child: Child) -> str:
    """Return the lineage of a run below: the same for the same request, else another."""
    return digest(above, child.id, child.agent, child.text, canonical(dict(child.data)))
