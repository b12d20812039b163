"""Breakers and pauses in the database, on SQLite and PostgreSQL: one truth for all workers."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest

from domain.breaker import BreakerPolicy, BreakerState
from domain.pause import Pause
from runtime.breakers import BreakerNotFound, Breakers
from runtime.database import Database
from runtime.holdups import HoldUps
from runtime.metrics import Meters
from runtime.pauses import PauseNotFound, Pauses

POLICY = BreakerPolicy(failures=3, probe_s=20)


@pytest.fixture
async def stores(database_url: str) -> AsyncGenerator[tuple[Database, Database]]:
    """One migrated, empty database of each kind, as two processes have it open."""
    first, second = Database(database_url), Database(database_url)
    await first.migrate()
    yield first, second
    await first.close()
    await second.close()


async def fail(breakers: Breakers, times: int, name: str = "tool.x") -> None:
    """Note so many failures, all at once."""
    await asyncio.gather(
        *(
            breakers.change(name, lambda breaker, now: breaker.failed(now, POLICY, "down"))
            for _ in range(times)
        )
    )


@pytest.mark.requirement("C5.4:lost-update")
async def test_workers_that_fail_at_once_are_all_counted(
    stores: tuple[Database, Database],
) -> None:
    """Forty failures of two processes are forty, though each writes only what it has read."""
    patient = BreakerPolicy(failures=1_000)
    one, two = (Breakers(store) for store in stores)

    await asyncio.gather(
        *(
            each.change("tool.x", lambda breaker, now: breaker.failed(now, patient, "down"))
            for _ in range(20)
            for each in (one, two)
        )
    )

    [breaker] = await one.list()
    assert breaker.failures + breaker.failures_before == 40


@pytest.mark.requirement("C5.4:shared")
async def test_of_all_that_ask_an_open_breaker_one_may_look(
    stores: tuple[Database, Database],
) -> None:
    """Before the interval is over none, after it one of forty, in whichever process."""
    clock = [datetime.now(UTC)]
    one, two = (Breakers(store, lambda: clock[0]) for store in stores)
    await fail(one, 3)

    early = [probe for _, probe in await asyncio.gather(*(two.ask("tool.x", POLICY) for _ in "ab"))]
    clock[0] += timedelta(seconds=20)
    asked = await asyncio.gather(
        *(each.ask("tool.x", POLICY) for _ in range(20) for each in (one, two))
    )
    clock[0] += timedelta(seconds=20)
    _, after_a_lost_one = await one.ask("tool.x", POLICY)

    assert early == [False, False]
    assert sum(probe for _, probe in asked) == 1
    assert after_a_lost_one


@pytest.mark.requirement("C5.4:shared")
async def test_what_one_worker_opens_holds_in_all_and_what_one_closes_is_closed(
    stores: tuple[Database, Database],
) -> None:
    """The next question in another process finds it so; a tool that never failed has no row."""
    one, two = (Breakers(store) for store in stores)

    unknown, _ = await two.ask("tool.x", POLICY)
    await fail(one, 3)
    opened, _ = await two.ask("tool.x", POLICY)
    await two.reset("tool.x")
    closed, _ = await one.ask("tool.x", POLICY)

    assert unknown is None
    assert opened is not None
    assert opened.state is BreakerState.OPEN
    assert closed is not None
    assert (closed.state, closed.failures, closed.opened) == (BreakerState.CLOSED, 0, 1)
    with pytest.raises(BreakerNotFound, match=r"tool\.y"):
        await one.reset("tool.y")


@pytest.mark.requirement("C5.4:pause")
async def test_the_longest_pause_stays_until_it_is_over_or_lifted(
    stores: tuple[Database, Database],
) -> None:
    """A shorter one does not cut it; one that is over is no pause."""
    one, two = (Pauses(store) for store in stores)
    now = datetime.now(UTC)

    def pause(name: str, seconds: float) -> Pause:
        return Pause(name=name, until=now + timedelta(seconds=seconds), reason="429", at=now)

    for seconds in (60, 5, 90):
        await one.pause(pause("llm.openai", seconds))
    await one.pause(pause("llm.anthropic", -1))
    found = await two.under_way()
    await two.lift("llm.openai")

    assert {name: each.until for name, each in found.items()} == {
        "llm.openai": now + timedelta(seconds=90)
    }
    assert await one.under_way() == {}
    with pytest.raises(PauseNotFound):
        await one.lift("llm.openai")


@pytest.mark.requirement("C5.4:command")
async def test_numbers_show_breakers_and_pauses_of_all_workers(
    stores: tuple[Database, Database],
) -> None:
    """A gauge for each; one that is lifted is gone from the page."""
    store, _ = stores
    meters, now = Meters(), datetime.now(UTC)
    holdups: HoldUps = meters.holdups
    await fail(Breakers(store), 3)
    paused = Pause(name="llm.openai", until=now + timedelta(seconds=60), reason="429", at=now)

    holdups.show(await Breakers(store).list(), [paused])
    page = meters.render().decode()
    holdups.show(await Breakers(store).list(), [])

    assert 'holdfast_breaker_state{name="tool.x"} 2.0' in page
    assert 'holdfast_paused_seconds{name="llm.openai"} 5' in page
    assert "holdfast_paused_seconds{" not in meters.render().decode()
