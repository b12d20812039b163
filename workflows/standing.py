"""Where a person has said yes beforehand: a call takes one use of a standing approval."""

from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from workflows import policies
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.standing import Taken, TakeRequest, decision
    from domain.tools import ToolSpec


async def stands(
    work: Work,
    *,
    tool: ToolSpec,
    arguments: dict[str, Any],
    key: str,
) -> bool:
    """Whether a standing approval covers this call; the decision is kept like a person's.

    Where that cannot be found out, it does not: a person is asked.

    Args:
        work: Of the run that makes the call.
        tool: What would run.
        arguments: With which arguments.
        key: The call's idempotency key: the same call takes one use, however often it asks.
    """
    if not work.spec.standing:
        return False
    asked = TakeRequest(tenant=work.request.tenant, agent=work.spec.name, tool=tool.name, key=key)
    try:
        taken = await workflow.execute_local_activity(
            "standing.take", asked, result_type=Taken, **policies.RECORD
        )
    except FailureError as error:
        if is_cancelled_exception(error):
            raise
        return False
    if taken.id:
        work.desk.decisions.append(decision(taken, tool.name, arguments, workflow.now()))
    return bool(taken.id)
