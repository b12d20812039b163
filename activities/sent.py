"""Whether a write's earlier attempts may have had an effect, told from attempt to attempt.

A service that is not there says so before anything happened, and so does a breaker. Only if all
attempts of a call ended that way is it sure that nothing happened. Temporal hands the last
heartbeat's detail to the next attempt, and it names the attempt that sent it: one that was lost
with its worker leaves none, and so counts as one that may have happened.
"""

from typing import Final

from temporalio import activity

_NOTHING: Final = "nothing was sent"


def may_have_happened() -> bool:
    """Whether an attempt before this one may have had an effect."""
    info = activity.info()
    if info.attempt == 1:
        return False
    return list(info.heartbeat_details) != [_NOTHING, info.attempt - 1]


def nothing_happened() -> None:
    """Tell the next attempt that neither this one nor any before it had an effect."""
    activity.heartbeat(_NOTHING, activity.info().attempt)
