"""Halts in the database, on SQLite and PostgreSQL."""

import asyncio

import pytest

from domain.halts import Concerned, keys
from runtime.database import Database
from runtime.halts import HaltNotFound, Halts


def concerning(run_id: str, agent: str = "clerk", tenant: str = "") -> tuple[str, ...]:
    """Return what an attempt of a run looks for."""
    return keys(Concerned(run_id=run_id, agent=agent, tenant=tenant))


@pytest.mark.requirement("C5.6:halt-scope")
async def test_an_attempt_sees_the_halts_that_concern_it(store: Database) -> None:
    """Its run's and those above it, its agent's, its tenant's, everybody's; and no other's."""
    halts = Halts(store)
    await halts.place("run", "audit-7", by="olga", reason="one")
    await halts.place("agent", "clerk", by="olga", reason="two")
    await halts.place("tenant", "acme", by="olga", reason="three")

    below = await halts.standing(concerning("audit-7/account-1", tenant="acme"))
    beside = await halts.standing(concerning("audit-70", agent="other"))
    await halts.place("all", "", by="olga", reason="four")
    anybody = await halts.standing(concerning("x", agent="other"))

    assert [halt.reason for halt in below] == ["one", "two", "three"]
    assert beside == ()
    assert [halt.reason for halt in anybody] == ["four"]


@pytest.mark.requirement("C5.6:halt-audit")
async def test_a_halt_is_one_however_often_it_is_placed_and_is_kept(store: Database) -> None:
    """The first one's reason stands; lifted, it stays with who let them go on, and why."""
    halts = Halts(store)
    first = await halts.place("tenant", "acme", by="olga", reason="wild")
    second = await halts.place("tenant", "acme", by="otto", reason="me too")

    (lifted,) = await halts.lift("tenant", "acme", by="otto", reason="mended")
    with pytest.raises(HaltNotFound, match="tenant 'acme' is not halted as such; halted: nothing"):
        await halts.lift("tenant", "acme", by="otto", reason="")
    again = await halts.place("tenant", "acme", by="olga", reason="anew")

    assert (first.new, second.new, second.halt) == (True, False, first.halt)
    assert (lifted.id, lifted.lifted_by, lifted.lifted_why) == (first.halt.id, "otto", "mended")
    assert again.new
    kept = [(halt.reason, halt.lifted_by) for halt in await halts.list(lifted=True)]
    assert kept == [("anew", ""), ("wild", "otto")]


@pytest.mark.requirement("C5.6:halt-audit")
async def test_those_who_halt_at_once_lift_it_at_once(store: Database) -> None:
    """However many place a halt at the same moment, one lifting lets everybody go on."""
    halts = Halts(store)
    placing = (halts.place("all", "", by=f"p{n}", reason="") for n in range(8))

    placed = await asyncio.gather(*placing)
    await halts.lift("all", "", by="otto", reason="")

    assert any(each.new for each in placed)
    assert await halts.standing(concerning("x")) == ()


@pytest.mark.requirement("C5.6:halt-scope")
async def test_what_a_person_types_is_a_name_and_nothing_else(store: Database) -> None:
    """Quotes, colons and marks of SQL are part of the name; one that is none is refused."""
    halts = Halts(store)
    name = "all:'; DROP TABLE halts; --%_"

    await halts.place("tenant", name, by="b" * 500, reason="r" * 10_000)

    (found,) = await halts.standing(concerning("x", tenant=name))
    assert (found.name, len(found.by), len(found.reason)) == (name, 255, 10_000)
    assert await halts.standing(concerning("x")) == ()
    with pytest.raises(ValueError, match="1000 at most"):
        await halts.place("run", "x" * 1_001, by="", reason="")
