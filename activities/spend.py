"""What the spend ledger must offer; the database has one, and so has any test."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

NOTHING = Decimal(0)


@dataclass(frozen=True)
class Reserved:
    """Where a logical run stands once a reservation has been made.

    Attributes:
        total_tokens: All that the run has settled or reserved, this reservation included.
        total_cost_usd: The same in money.
        lost_tokens: Reserved for the same turn by other attempts that never settled.
        lost_cost_usd: The same in money.
        over_cap: Which cap of the tenant it would be over; then nothing was reserved.
    """

    total_tokens: int
    total_cost_usd: Decimal
    lost_tokens: int = 0
    lost_cost_usd: Decimal = NOTHING
    over_cap: str = ""


class SpendLedger(Protocol):
    """Keeps what was spent outside the histories, since a reset forgets turns and a bill does not.

    `attempt` names one attempt of one activity of one execution: after a reset the same turn is
    bought again, and what it cost before must stay on the books.
    """

    async def reserve(
        self,
        lineage: str,
        turn: int,
        attempt: str,
        tokens: int,
        cost_usd: Decimal,
        *,
        tenant: str = "default",
    ) -> Reserved:
        """Put a call's worst case on the books of its run and tenant before it is made."""
        ...

    async def settle(
        self, lineage: str, turn: int, attempt: str, tokens: int, cost_usd: Decimal
    ) -> None:
        """Replace the attempt's reservation by what it cost; nothing, where it was not billed."""
        ...
