"""Delays by chance, what is heard of a service that is away, and how old a known pause may be."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from activities.backoff import at_least, backoff
from activities.breaking import BreakerControl
from activities.controls import ANSWERED, Attempt, Went
from activities.pausing import PauseControl
from activities.transient import asked_to_wait
from agents.toolkit import ToolUnavailableError
from domain.breaker import Breaker, BreakerPolicy, BreakerState, new_breaker
from domain.pause import Pause


class Pauses:
    """Pauses in memory, which counts how often it was read."""

    def __init__(self) -> None:
        self.kept: dict[str, Pause] = {}
        self.reads = 0

    async def under_way(self) -> dict[str, Pause]:
        """Return them."""
        self.reads += 1
        return self.kept

    async def pause(self, pause: Pause) -> None:
        """Keep one."""
        self.kept[pause.name] = pause


class Store:
    """One breaker in memory, which counts how often it was written."""

    def __init__(self, breaker: Breaker | None = None) -> None:
        self.breaker = breaker
        self.writes = 0

    async def ask(self, name: str, policy: BreakerPolicy) -> tuple[Breaker | None, bool]:
        """Return it."""
        return self.breaker, False

    async def change(self, name: str, step: object) -> tuple[Breaker, Breaker]:
        """Change it."""
        now = datetime.now(UTC)
        before = self.breaker or new_breaker(name, now)
        assert callable(step)
        after = step(before, now)
        assert isinstance(after, Breaker)
        self.breaker, self.writes = after, self.writes + 1
        return before, after


ATTEMPT = Attempt("model", "openai", "run")


@pytest.mark.requirement("C5.4:jitter")
def test_delays_grow_and_differ_from_run_to_run() -> None:
    """Between half and the whole of 1, 3, 9 ... seconds, never above the most; no two alike."""
    delays = {attempt: [backoff(attempt, 1, 3, 60) for _ in range(50)] for attempt in (1, 3, 99)}

    for attempt, longest in ((1, 1), (3, 9), (99, 60)):
        assert timedelta(seconds=longest / 2) <= min(delays[attempt])
        assert max(delays[attempt]) <= timedelta(seconds=longest)
        assert len(set(delays[attempt])) > 40


@pytest.mark.requirement("C5.4:jitter")
def test_a_delay_that_was_asked_for_is_kept_and_a_little_more() -> None:
    """Never sooner than asked, at most a tenth later."""
    delays = [at_least(timedelta(seconds=30)) for _ in range(50)]

    assert timedelta(seconds=30) <= min(delays) < max(delays) <= timedelta(seconds=33)


@pytest.mark.requirement("C5.4:jitter")
def test_a_tool_is_heard_where_it_or_its_service_names_a_time() -> None:
    """By the tool's own error, else by the `Retry-After` of the answer that it met."""
    response = SimpleNamespace(status_code=503, headers={"Retry-After": "7"})
    error = RuntimeError("503")
    error.response = response  # pyright: ignore[reportAttributeAccessIssue]

    assert asked_to_wait(ToolUnavailableError("away", timedelta(seconds=2))) == timedelta(seconds=2)
    assert asked_to_wait(error) == timedelta(seconds=7)
    assert asked_to_wait(RuntimeError("no headers")) is None


@pytest.mark.requirement("C5.4:pause")
async def test_pauses_are_read_once_a_second_and_ones_own_holds_at_once() -> None:
    """A plain call costs no read; what this worker was told it knows without reading."""
    store = Pauses()
    control = PauseControl(store)

    for _ in range(50):
        await control.before(ATTEMPT)
    await control.after(ATTEMPT, Went(answered=True, retry_after=timedelta(seconds=30)))

    assert store.reads == 1
    with pytest.raises(Exception, match="asked to be left alone"):
        await control.before(ATTEMPT)
    await control.before(Attempt("model", "anthropic", "run"))


@pytest.mark.requirement("C5.4:availability")
async def test_a_tool_that_works_is_never_written_down() -> None:
    """Answers are told while failures count; a throttled attempt is no failure."""
    store = Store()
    control = BreakerControl(store)
    for went in [ANSWERED] * 50 + [Went(answered=False, retry_after=timedelta(seconds=1))]:
        attempt = Attempt("tool", "x", "run", breaker=BreakerPolicy())
        await control.before(attempt)
        await control.after(attempt, went)

    assert store.writes == 0


@pytest.mark.requirement("C5.4:opens")
async def test_answers_between_failures_keep_a_breaker_closed() -> None:
    """One failure in five is told as such, by the process that saw the answers."""
    store = Store()
    control = BreakerControl(store)
    for number in range(100):
        attempt = Attempt("tool", "x", "run", breaker=BreakerPolicy())
        await control.before(attempt)
        went = ANSWERED if number % 5 else Went(answered=False, reason="timeout")
        await control.after(attempt, went)

    assert store.breaker is not None
    assert store.breaker.state is BreakerState.CLOSED
    assert store.breaker.failures == 20
