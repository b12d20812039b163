"""Asks a tool's breaker before each attempt, and tells it how the attempt went."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final, Protocol

from activities.controls import Attempt, Went, mark, refusal
from domain.breaker import Breaker, BreakerPolicy, BreakerState
from domain.refused import BREAKER_OPEN

_TELL_EVERY_S: Final = 1.0
_LEAST_WAIT: Final = timedelta(seconds=1)
_PASS: Final = "breaker"
_MOST_REASON: Final = 300


@dataclass(frozen=True)
class _Passed:
    """What was known when an attempt was let through."""

    troubled: bool
    probe: bool


class BreakerStore(Protocol):
    """Where breakers are kept, for all workers."""

    async def ask(self, name: str, policy: BreakerPolicy) -> tuple[Breaker | None, bool]:
        """Return the breaker, and whether the attempt that asks is the one that may look.

        An open breaker lets one attempt through each interval, whoever asks: its claim is a
        conditional write, which one of them wins.
        """
        ...

    async def change(
        self, name: str, step: Callable[[Breaker, datetime], Breaker]
    ) -> tuple[Breaker, Breaker]:
        """Apply `step` to the breaker as it is; return it before and after.

        `step` is called again where another worker has written in between.
        """
        ...


class BreakerControl:
    """One breaker for each tool and each provider.

    Asked anew at each attempt: a breaker that has opened a moment ago, in another process, holds
    here too. Answers are told only while failures count, so that a tool that works costs a read.
    """

    def __init__(
        self,
        store: BreakerStore,
        on_change: Callable[[Breaker], None] = lambda _: None,
        on_refusal: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._on_change = on_change
        self._on_refusal = on_refusal
        self._answers: dict[str, int] = {}
        self._told: dict[str, float] = {}

    async def before(self, attempt: Attempt) -> None:
        """Let an attempt through while the breaker is closed, and one an interval while not.

        Raises:
            ApplicationError: `BreakerOpen`, non-retryable; nothing was sent.
        """
        policy = attempt.breaker
        if policy is None:
            return
        breaker, probe = await self._store.ask(attempt.key, policy)
        attempt.notes[_PASS] = _Passed(breaker is not None and breaker.troubled, probe)
        if breaker is None or breaker.state is BreakerState.CLOSED:
            return
        mark("breaker", "probe" if probe else breaker.state.value)
        if probe:
            return
        wait = breaker.wait(datetime.now(UTC))
        self._on_refusal(attempt.key)
        since = f"{breaker.since:%H:%M:%S} UTC"
        raise refusal(
            BREAKER_OPEN,
            f"not called: down since {since} ({breaker.reason}); looked at again in "
            f"{wait.total_seconds():.0f} s",
            attempt,
            max(wait, _LEAST_WAIT),
        )

    async def after(self, attempt: Attempt, went: Went) -> None:
        """Count how it went; what a probe found closes or opens the breaker."""
        policy, passed = attempt.breaker, attempt.notes.get(_PASS)
        if policy is None or not isinstance(passed, _Passed):
            return
        troubled, probe = passed.troubled, passed.probe
        if went.answered:
            await self._answered(attempt.key, policy, troubled=troubled, probe=probe)
        elif probe or went.retry_after is None:
            await self._failed(attempt.key, policy, went.reason[:_MOST_REASON], probe=probe)

    async def _answered(
        self, name: str, policy: BreakerPolicy, *, troubled: bool, probe: bool
    ) -> None:
        if not troubled:
            return
        self._answers[name] = self._answers.get(name, 0) + 1
        if not probe and monotonic() - self._told.get(name, 0) < _TELL_EVERY_S:
            return
        self._told[name] = monotonic()
        count = self._answers.pop(name)
        await self._change(
            name, lambda breaker, now: breaker.answered(now, policy, count=count, probe=probe)
        )

    async def _failed(self, name: str, policy: BreakerPolicy, reason: str, *, probe: bool) -> None:
        answered = self._answers.pop(name, 0)
        await self._change(
            name,
            lambda breaker, now: breaker.failed(
                now, policy, reason, answered=answered, probe=probe
            ),
        )

    async def _change(self, name: str, step: Callable[[Breaker, datetime], Breaker]) -> None:
        before, after = await self._store.change(name, step)
        if before.state is not after.state:
            self._on_change(after)
