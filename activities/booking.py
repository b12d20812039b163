"""A model call's place in the spend ledger: reserved before it is sent, settled after the reply.

What reports a failure that the provider does not bill settles to nothing; an attempt that
vanishes, with its worker or its connection, keeps its reservation, since it may have been billed.
"""

from decimal import Decimal

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.spend import Reserved, SpendLedger
from domain.halts import EVERYBODY
from domain.spec import AgentSpec
from domain.thinking import BUDGET_SPENT, TENANT_CAP_REACHED, ThinkRequest

_log = structlog.stdlib.get_logger(__name__)


class Booking:
    """One attempt's entry."""

    def __init__(self, spend: SpendLedger, spec: AgentSpec, request: ThinkRequest) -> None:
        self._spend = spend
        self._spec = spec
        self._request = request
        info = activity.info()
        # Another after a reset, and per activity.
        self._attempt = f"{info.workflow_run_id}/{info.activity_id}/{info.attempt}"

    async def reserve(self, worst_usd: Decimal) -> Reserved:
        """Put the worst case on the books.

        Raises:
            ApplicationError: `BudgetSpent`: it could pass a limit of the run; `TenantCapReached`:
                it could pass the tenant's. Both non-retryable, and nothing stays on the books.
        """
        request, limits = self._request, self._request.limits or self._spec.limits
        # A limit of 0 USD caps tokens alone.
        if self._spec.limits.cost_usd and worst_usd > request.cap.cost_usd:
            raise _spent(
                f"turn {request.turn} could cost {worst_usd} USD and {request.cap.cost_usd} are "
                "left"
            )
        reserved = await self._put(request.cap.tokens, worst_usd)
        if reserved.over_cap:
            raise _capped(request.tenant or EVERYBODY, reserved.over_cap)
        over: list[str] = []
        if reserved.total_tokens > limits.tokens:
            over.append(f"{reserved.total_tokens} of {limits.tokens} tokens")
        if limits.cost_usd and reserved.total_cost_usd > limits.cost_usd:
            over.append(f"{reserved.total_cost_usd} of {limits.cost_usd} USD")
        if over:
            await self.cancel()
            raise _spent(
                f"with turn {request.turn}, and all that earlier executions of the run spent, it "
                f"could come to {' and '.join(over)}"
            )
        return reserved

    async def free(self) -> Reserved:
        """Book a reply that was not bought; return what earlier attempts of the turn lost."""
        reserved = await self._put(0, Decimal(0))
        await self.cancel()
        return reserved

    async def settle(self, tokens: int, cost_usd: Decimal) -> None:
        """Put what it cost in the reservation's place."""
        request = self._request
        await self._spend.settle(request.lineage, request.turn, self._attempt, tokens, cost_usd)

    async def settle_bought(self, tokens: int, cost_usd: Decimal) -> None:
        """Settle for a reply that is there: it is not given up for books that are away.

        A reply that is lost would be bought again. What was reserved, at least as much, stays.
        """
        try:
            await self.settle(tokens, cost_usd)
        except Exception as error:  # noqa: BLE001 - a database's, whatever its driver raises
            _log.warning(
                "not settled: what was reserved stays on the books",
                run=activity.info().workflow_id,
                error=type(error).__name__,
            )

    async def cancel(self) -> None:
        """Take the reservation back: nothing was billed."""
        await self.settle(0, Decimal(0))

    async def _put(self, tokens: int, cost_usd: Decimal) -> Reserved:
        request = self._request
        return await self._spend.reserve(
            request.lineage,
            request.turn,
            self._attempt,
            tokens,
            cost_usd,
            tenant=request.tenant or EVERYBODY,
        )


def _spent(reason: str) -> ApplicationError:
    text = f"{reason}: nothing was sent; raise the run's limits to go on"
    return ApplicationError(text, type=BUDGET_SPENT, non_retryable=True)


def _capped(tenant: str, over: str) -> ApplicationError:
    text = (
        f"the cap of tenant {tenant!r} is reached: the call could come to {over}; nothing was sent"
    )
    return ApplicationError(text, type=TENANT_CAP_REACHED, non_retryable=True)
