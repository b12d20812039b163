"""Putting a call off that was refused: the other side is down, or asked to be left alone.

What was refused was not sent, so it uses nothing up: the call is made again after the time that
the refusal names and a little more by chance, so that the runs that wait do not come back as one.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutType
from temporalio.exceptions import TimeoutError as ActivityTimeoutError

from workflows import policies
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.acting import TOOL_UNAVAILABLE
    from domain.halts import HALTED
    from domain.refused import BREAKER_OPEN, PAUSED, Refused
    from domain.run import Stop
    from domain.thinking import ROUTE_UNUSABLE

# "NotFoundError": no worker has the activity, so nothing ran.
_NOTHING_HAPPENED = frozenset({TOOL_UNAVAILABLE, "NotFoundError"})
_REFUSED = frozenset({BREAKER_OPEN, PAUSED, HALTED})
_LEAST = timedelta(milliseconds=100)


def unknown(error: ActivityError) -> bool:
    """Whether a write that failed may have happened."""
    cause = error.cause
    if isinstance(cause, ActivityTimeoutError):
        return cause.type is not TimeoutType.SCHEDULE_TO_START
    if not isinstance(cause, ApplicationError):
        return True
    refused = refusal(error)
    return refused.sent if refused else cause.type not in _NOTHING_HAPPENED


def refusal(error: ActivityError, *kinds: str) -> Refused | None:
    """Return what an attempt was refused with, of these kinds or any; None if it was not."""
    cause = error.cause
    if not isinstance(cause, ApplicationError) or cause.type not in (kinds or _REFUSED):
        return None
    return Refused.model_validate(cause.details[0])


def said(error: ActivityError) -> str:
    """Return why an activity failed, as a person reads it."""
    cause = error.cause
    return cause.message if isinstance(cause, ApplicationError) else str(cause or error)


def used_up(model: str, reason: str, kind: str) -> Stop:
    """Return why a run stands still whose model calls came to nothing.

    Args:
        model: The last one that was asked.
        reason: What it failed of.
        kind: The failure's type.
    """
    hint = "send retry when the provider answers again, or abort"
    if kind == ROUTE_UNUSABLE:
        hint = f"mend the key, quota or name of {model}, then send retry; or abort"
    return Stop(step="llm.think", reason=reason, hint=hint, at=workflow.now())


class Patience:
    """What one call remembers of its refusals.

    Attributes:
        sent: An attempt of this write may have had an effect.
        made: Attempts that were made and failed before a refusal ended their activity.
        heard: `desk.held.words` from before the attempt.
    """

    def __init__(self, work: Work, *, writes: bool = False) -> None:
        self._work = work
        self._writes = writes
        self.heard = 0
        self.sent = False
        self.made = 0
        self._refusals = 0
        self._waited = timedelta()

    def note(self, error: ActivityError) -> None:
        """Remember whether anything may have happened."""
        self.sent |= self._writes and unknown(error)

    async def with_tool(self, error: ActivityError, *, undoing: bool = False) -> bool:
        """Wait where a tool asked to be left alone; False where waiting is not the answer.

        An open breaker is: then the declared fallback stands in, except for undoing, which has
        none.
        """
        refused = refusal(error, PAUSED, BREAKER_OPEN) if undoing else refusal(error, PAUSED)
        return refused is not None and await self._wait(refused, policies.PATIENCE_WITH_TOOL)

    async def with_model(self, error: ActivityError, tries: int, *, last: bool) -> bool:
        """Wait where a model's provider cannot be asked now; False where waiting is no answer.

        Args:
            error: How the call ended.
            tries: Attempts that it has in all.
            last: No other model would be asked instead.
        """
        paused, down = refusal(error, PAUSED), refusal(error, BREAKER_OPEN)
        refused = paused or down
        if refused is None:
            return False
        self.made += refused.before
        if self.made >= tries:
            return False
        if not last:
            # Another model is there: it is not worth waiting longer than a moment.
            return paused is not None and await self._wait(paused, policies.MOMENT)
        return await self._wait(refused, policies.PATIENCE_WITH_MODEL if down else None)

    async def _wait(self, refused: Refused, most: timedelta | None) -> bool:
        """Sleep until it may be asked again; within the run's wall clock, and `most` in all."""
        self._refusals += 1
        # The more often it was refused, the more runs there are that come back together.
        spread = min(2 ** min(self._refusals - 3, 5), max(refused.wait_s, 0.2))
        wait = timedelta(seconds=refused.wait_s + workflow.random().uniform(0, spread))
        if most is not None and self._waited + wait > most:
            return False
        left = (
            timedelta(seconds=self._work.state.limits.wall_clock_s) - self._work.desk.clock.worked()
        )
        wait = max(min(wait, left), _LEAST)
        self._waited += wait
        workflow.logger.warning("waits %.1f s: %s", wait.total_seconds(), refused.reason)
        await workflow.sleep(wait, summary="leaves it alone for a while")
        return True
