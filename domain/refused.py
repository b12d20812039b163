"""Attempts that are not made: which there are, and what is known of the call's earlier ones."""

from domain.contract import Contract

BREAKER_OPEN = "BreakerOpen"
PAUSED = "Paused"


class Refused(Contract):
    """Detail of an attempt that was not made: nothing was sent by it.

    Attributes:
        wait_s: Seconds in which it makes no sense to ask again; 0 where that is not known.
        before: Attempts of the same call that were made before it, and failed.
        sent: One of those may have had an effect.
    """

    reason: str
    wait_s: float = 0
    before: int = 0
    sent: bool = False
