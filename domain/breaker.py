"""Circuit breakers as values: what an attempt may do, what its outcome changes.

A breaker is shared by all workers, so every change is a new value that is written only if nobody
else has written since (`version`). Closed, it counts failures of availability; open, it refuses;
half open, one attempt is under way to find out whether the tool is back.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

from domain.contract import Contract


class BreakerState(StrEnum):
    """Whether calls go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerPolicy(Contract):
    """When a tool counts as down, and how often it is looked at then.

    Attributes:
        failures: This many failures of availability in a window open it.
        share: And only if they are at least this part of the window's attempts, 0 to 1.
        window_s: Seconds that failures count.
        probe_s: Seconds between two attempts that are let through while it is open.
    """

    failures: int = Field(default=5, ge=1)
    share: float = Field(default=0.5, ge=0, le=1)
    window_s: float = Field(default=60, gt=0)
    probe_s: float = Field(default=20, gt=0)


class Breaker(Contract):
    """Where one breaker stands.

    Failures are counted in a sliding window: the window under way, and the one before it by the
    part of it that is not yet past. Two pairs of numbers, and never wrong by more than the
    unevenness of one window.

    Attributes:
        since: When it closed last; while it is not, when it opened.
        began: When the window under way began.
        failures: In that window.
        attempts: In that window, failures among them.
        failures_before: In the window before it.
        attempts_before: In the window before it.
        next_probe: When the next attempt is let through; None while it is closed.
        opened: Times it has opened.
        reason: The last failure.
        version: Goes up with each change.
    """

    name: str
    state: BreakerState = BreakerState.CLOSED
    since: datetime
    began: datetime
    failures: int = 0
    attempts: int = 0
    failures_before: int = 0
    attempts_before: int = 0
    next_probe: datetime | None = None
    opened: int = 0
    reason: str = ""
    version: int = 0

    @property
    def troubled(self) -> bool:
        """Whether an answer is worth telling: failures count, or a probe is under way."""
        return self.state is not BreakerState.CLOSED or bool(self.failures + self.failures_before)

    def wait(self, now: datetime) -> timedelta:
        """Return how long no attempt is let through."""
        if self.state is BreakerState.CLOSED or self.next_probe is None:
            return timedelta()
        return max(self.next_probe - now, timedelta())

    def probing(self, now: datetime, policy: BreakerPolicy) -> "Breaker":
        """Return the breaker once an attempt has been let through to look.

        Whoever writes it has the probe. One that never reports back, with its worker, costs an
        interval: the next attempt after it is a probe again.
        """
        return self._next(
            state=BreakerState.HALF_OPEN, next_probe=now + timedelta(seconds=policy.probe_s)
        )

    def failed(
        self,
        now: datetime,
        policy: BreakerPolicy,
        reason: str,
        *,
        answered: int = 0,
        probe: bool = False,
    ) -> "Breaker":
        """Return the breaker after a failure of availability; itself where that changes nothing.

        Args:
            now: When it was noticed.
            policy: The tool's.
            reason: What is shown.
            answered: Attempts that were answered and not yet counted.
            probe: The attempt was let through to look.
        """
        if self.state is not BreakerState.CLOSED:
            # What was under way when it opened says nothing new.
            return self._next(state=BreakerState.OPEN, reason=reason) if probe else self
        counted = self._slid(now, policy)
        counted = counted._next(
            failures=counted.failures + 1,
            attempts=counted.attempts + 1 + answered,
            reason=reason,
        )
        if not counted._is_down(now, policy):
            return counted
        return counted._next(
            state=BreakerState.OPEN,
            since=now,
            next_probe=now + timedelta(seconds=policy.probe_s),
            opened=counted.opened + 1,
        )

    def answered(
        self, now: datetime, policy: BreakerPolicy, *, count: int = 1, probe: bool = False
    ) -> "Breaker":
        """Return the breaker after `count` attempts that the tool answered, if only with a no."""
        if self.state is not BreakerState.CLOSED:
            return self.closed(now) if probe else self
        counted = self._slid(now, policy)
        return counted._next(attempts=counted.attempts + count)

    def closed(self, now: datetime) -> "Breaker":
        """Return the breaker closed, with nothing counted."""
        return self._next(
            state=BreakerState.CLOSED,
            since=now,
            began=now,
            failures=0,
            attempts=0,
            failures_before=0,
            attempts_before=0,
            next_probe=None,
        )

    def _slid(self, now: datetime, policy: BreakerPolicy) -> "Breaker":
        """Return the breaker with the window that `now` lies in."""
        window = timedelta(seconds=policy.window_s)
        past = int((now - self.began) / window)
        if past < 1:
            return self
        kept = past == 1
        return self.model_copy(
            update={
                "began": self.began + past * window,
                "failures": 0,
                "attempts": 0,
                "failures_before": self.failures if kept else 0,
                "attempts_before": self.attempts if kept else 0,
            }
        )

    def _is_down(self, now: datetime, policy: BreakerPolicy) -> bool:
        past = (now - self.began).total_seconds() / policy.window_s
        left = max(0.0, min(1.0, 1 - past))  # of the window before
        failures = self.failures + self.failures_before * left
        attempts = self.attempts + self.attempts_before * left
        return failures >= policy.failures and failures >= policy.share * attempts

    def _next(self, **changes: object) -> "Breaker":
        return self.model_copy(update={**changes, "version": self.version + 1})


def new_breaker(name: str, now: datetime) -> Breaker:
    """Return the breaker of a tool that nothing is known of."""
    return Breaker(name=name, since=now, began=now)
