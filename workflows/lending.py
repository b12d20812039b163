"""A run that has used up its share asks the run above for more, within its agent's own limits.

The run above gives what it has left, so its own limits hold whatever is asked for.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from domain.budget import Extra
    from domain.state import AgentState

# Without an answer the limit holds: the run above may be without a worker.
_PATIENCE = timedelta(minutes=5)
_OF_MONEY_OR_TOKENS = frozenset({"tokens", "cost_usd", "tokens or cost_usd"})


class Borrower:
    """The side that asks."""

    def __init__(self, state: AgentState) -> None:
        self._state = state
        self._answer: Extra | None = None

    async def more(self, limit: str, left: timedelta) -> bool:
        """Ask for half a share more; whether anything was granted.

        Args:
            limit: What was reached; time and model calls are not anybody's to give.
            left: Of the wall clock: nobody is waited for longer.
        """
        above, wanted = workflow.info().parent, self._wanted()
        if limit not in _OF_MONEY_OR_TOKENS or above is None or wanted is None:
            return False
        self._answer = None
        try:
            run = workflow.get_external_workflow_handle(above.workflow_id)
            await run.signal("budget_asked", wanted)
            await workflow.wait_condition(
                lambda: self._answer is not None, timeout=min(_PATIENCE, left)
            )
        except TimeoutError:
            return False
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            return False
        return self._take()

    def _wanted(self) -> Extra | None:
        """Return half the share, cut to the agent's own limits; None where they are reached."""
        state = self._state
        if state.room is None or state.spec is None:
            return None
        share, now = state.spec.limits, state.limits
        tokens = min(share.tokens // 2, state.room.tokens - now.tokens)
        cost = min(share.cost_usd / 2, state.room.cost_usd - now.cost_usd)
        if tokens <= 0 and cost <= 0:
            return None
        return Extra(
            run_id=workflow.info().workflow_id,
            tokens=max(tokens, 0),
            cost_usd=max(cost, Decimal(0)),
        )

    def hear(self, news: tuple[Any, ...]) -> None:
        """Take the answer of the run above; what is none changes nothing."""
        answer = said(news)
        if answer is not None and answer.run_id == workflow.info().workflow_id:
            self._answer = answer

    def _take(self) -> bool:
        answer, had = self._answer, self._state.granted
        if answer is None or not (answer.tokens or answer.cost_usd):
            return False
        self._state.granted = Extra(
            run_id=answer.run_id,
            tokens=had.tokens + answer.tokens,
            cost_usd=had.cost_usd + answer.cost_usd,
        )
        return True


def said(news: tuple[Any, ...]) -> Extra | None:
    """Return what a signal between runs says; None where it is not one."""
    try:
        return Extra.model_validate(news[0]) if len(news) == 1 else None
    except ValidationError:
        return None


async def tell(run_id: str, granted: Extra) -> None:
    """Tell a run below what it is granted; one that has closed is past hearing."""
    try:
        await workflow.get_external_workflow_handle(run_id).signal("budget_granted", granted)
    except FailureError as error:
        if is_cancelled_exception(error):
            raise
        workflow.logger.info("%s does not hear: %s", run_id, error)
