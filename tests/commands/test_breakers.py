"""`breakers`: what is held back is listed, and let through again."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.breaker import BreakerPolicy
from domain.pause import Pause
from runtime.breakers import Breakers
from runtime.database import opened
from runtime.pauses import Pauses
from runtime.settings import Settings
from tests.e2e.cli import Cli

POLICY = BreakerPolicy(failures=2, probe_s=600)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line with a tool that is down, one that is not, and a provider that is paused."""

    async def made() -> None:
        settings = Settings(home=tmp_path)
        async with opened(settings) as database:
            store, now = Breakers(database), datetime.now(UTC)
            for name in ("tool.search", "tool.search", "tool.lookup"):
                await store.change(name, lambda b, at: b.failed(at, POLICY, "ConnectionError: no"))
            until = now + timedelta(minutes=5)
            pause = Pause(name="llm.openai", until=until, reason="openai (429)", at=now)
            await Pauses(database).pause(pause)

    asyncio.run(made())
    return Cli(tmp_path)


@pytest.mark.requirement("C5.4:command")
def test_what_is_held_back_is_listed_with_why_and_until_when(cli: Cli) -> None:
    """Open breakers and pauses, without a word more; closed ones when asked for."""
    shown, every = cli("breakers"), cli("breakers", "--all", "--json")

    assert shown.code == 0
    assert "tool.search" in shown.out
    assert "ConnectionError: no" in shown.out
    assert "paused" in shown.out
    assert "tool.lookup" not in shown.out
    states = {row["name"]: (row["kind"], row["state"]) for row in every.json}
    assert states == {
        "tool.search": ("breaker", "open"),
        "tool.lookup": ("breaker", "closed"),
        "llm.openai": ("pause", "paused"),
    }


@pytest.mark.requirement("C5.4:command")
def test_a_reset_closes_the_breaker_and_ends_the_pause_of_that_name(cli: Cli) -> None:
    """A tool's own name will do; a name that nothing has is an error that lists what there is."""
    unknown = cli("breakers", "reset", "nope")
    closed, lifted = cli("breakers", "reset", "search"), cli("breakers", "reset", "llm.openai")

    assert (unknown.code, closed.code, lifted.code) == (1, 0, 0)
    assert "['llm.openai', 'tool.lookup', 'tool.search']" in unknown.line
    assert "nothing is held back" in cli("breakers").err
