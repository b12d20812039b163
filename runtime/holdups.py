"""Numbers of what holds attempts back: breakers and pauses, as all workers have them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from domain.breaker import Breaker, BreakerState
from domain.pause import Pause

_NUMBER: Final = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}


class HoldUps:
    """Counters of this process, and gauges of what the database says for all."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._state = Gauge(
            "holdfast_breaker_state",
            "Of a tool's or a provider's breaker: 0 closed, 1 half open, 2 open.",
            ["name"],
            registry=registry,
        )
        self._opened = Gauge(
            "holdfast_breaker_opened",
            "Times that a breaker has opened, over all workers.",
            ["name"],
            registry=registry,
        )
        self._paused = Gauge(
            "holdfast_paused_seconds",
            "For how long a provider or tool is still to be left alone.",
            ["name"],
            registry=registry,
        )
        self._changes = Counter(
            "holdfast_breaker_changes",
            "Changes of a breaker's state that this process made.",
            ["name", "state"],
            registry=registry,
        )
        self._refusals = Counter(
            "holdfast_breaker_refusals",
            "Attempts that an open breaker held back.",
            ["name"],
            registry=registry,
        )
        self._pauses = Counter(
            "holdfast_pauses",
            "Times that a provider or tool asked this process to leave it alone.",
            ["name"],
            registry=registry,
        )

    def changed(self, breaker: Breaker) -> None:
        """Count a change of state; pass it as `on_change`."""
        self._changes.labels(breaker.name, breaker.state.value).inc()

    def refused(self, name: str) -> None:
        """Count an attempt that was held back; pass it as `on_refusal`."""
        self._refusals.labels(name).inc()

    def paused(self, name: str) -> None:
        """Count a pause; pass it as `on_pause`."""
        self._pauses.labels(name).inc()

    def show(self, breakers: Iterable[Breaker], pauses: Iterable[Pause]) -> None:
        """Show where all of them stand now."""
        now = datetime.now(UTC)
        self._state.clear()
        self._paused.clear()
        for breaker in breakers:
            self._state.labels(breaker.name).set(_NUMBER[breaker.state])
            self._opened.labels(breaker.name).set(breaker.opened)
        for pause in pauses:
            self._paused.labels(pause.name).set((pause.until - now).total_seconds())
