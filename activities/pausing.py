"""Leaves a provider, or a tool, alone for as long as it asked: all workers, not only this one."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final, Protocol

from activities.controls import Attempt, Went, mark, refusal
from domain.pause import Pause
from domain.refused import PAUSED

# How old what is known of pauses may be: a call costs nothing, and other workers hear in time.
_FRESH_S: Final = 1.0
# Shorter ones are over before anyone else has read of them.
_SHORTEST: Final = timedelta(milliseconds=500)
_LONGEST: Final = timedelta(hours=1)


class PauseStore(Protocol):
    """Where pauses are kept, for all workers."""

    async def under_way(self) -> Mapping[str, Pause]:
        """Return the pauses that are not over, by name."""
        ...

    async def pause(self, pause: Pause) -> None:
        """Keep a pause; a longer one that is there already stays."""
        ...


class PauseControl:
    """Refuses attempts while a pause lasts, and makes one when a `retry-after` comes."""

    def __init__(self, store: PauseStore, on_pause: Callable[[str], None] = lambda _: None) -> None:
        self._store = store
        self._on_pause = on_pause
        self._known: dict[str, Pause] = {}
        self._read_at = float("-inf")

    async def before(self, attempt: Attempt) -> None:
        """Let an attempt through unless the other side is to be left alone.

        Raises:
            ApplicationError: `Paused`, non-retryable, with the time to wait; nothing was sent.
        """
        if monotonic() - self._read_at > _FRESH_S:
            self._read_at = monotonic()
            self._known = dict(await self._store.under_way())
        pause = self._known.get(attempt.key)
        now = datetime.now(UTC)
        if pause is None or pause.until <= now:
            return
        left = pause.until - now
        mark("paused_s", left.total_seconds())
        raise refusal(
            PAUSED,
            f"asked to be left alone for another {left.total_seconds():.1f} s ({pause.reason})",
            attempt,
            left,
        )

    async def after(self, attempt: Attempt, went: Went) -> None:
        """Pause it for everyone, where it has said for how long."""
        if went.retry_after is None or went.retry_after < _SHORTEST:
            return
        now = datetime.now(UTC)
        until = now + min(went.retry_after, _LONGEST)
        known = self._known.get(attempt.key)
        if known is not None and known.until >= until:
            return
        pause = Pause(name=attempt.key, until=until, reason=went.reason, at=now)
        self._known[attempt.key] = pause
        await self._store.pause(pause)
        self._on_pause(attempt.key)
