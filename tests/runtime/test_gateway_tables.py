"""Tenants' caps hold whoever asks at once, and kept replies are bounded; on both databases."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from activities.spend import Reserved
from runtime.answers import MAX_BYTES, Answers
from runtime.caps import Caps, TenantBooks
from runtime.database import Database
from runtime.spend import SpendLedger
from runtime.tables_gateway import TENANT_SPEND

DIME = Decimal("0.10")


@pytest.fixture
def tenant() -> str:
    """A tenant that has spent nothing."""
    return f"tenant-{uuid4().hex[:8]}"


async def _reserve(ledger: SpendLedger[Reserved], tenant: str, number: int = 0) -> Reserved:
    """Reserve ten cents and a hundred tokens for one call of a run of its own."""
    lineage = f"{tenant}/{number}"
    return await ledger.reserve(lineage, 1, "a", 100, DIME, tenant=tenant)


async def test_fifty_calls_at_once_do_not_pass_a_cap(store: Database, tenant: str) -> None:
    """Of fifty calls of ten cents that are made at once, a cap of two dollars lets twenty pass."""
    ledger = SpendLedger(store, Reserved)
    await Caps(store).set(tenant, "day", cost_usd=Decimal(2))

    came = await asyncio.gather(*(_reserve(ledger, tenant, number) for number in range(50)))

    assert sum(not each.over_cap for each in came) == 20
    (cap,) = await Caps(store).list(tenant)
    assert (cap.used_cost_usd, cap.used_tokens) == (Decimal(2), 2_000)
    refused = next(each for each in came if each.over_cap)
    assert refused.over_cap == "2.1 of 2 USD a day"


async def test_fifty_calls_of_several_workers_do_not_pass_a_cap(
    store: Database, tenant: str
) -> None:
    """Two processes have two connections; the day's row is what they wait for."""
    url = store.url.render_as_string(hide_password=False)
    other = Database(url)
    ledgers = [SpendLedger(store, Reserved), SpendLedger(other, Reserved)]
    await Caps(store).set(tenant, "month", tokens=2_000)

    came = await asyncio.gather(
        *(_reserve(ledgers[number % 2], tenant, number) for number in range(50))
    )
    await other.close()

    assert sum(not each.over_cap for each in came) == 20


async def test_what_settles_for_less_makes_room(store: Database, tenant: str) -> None:
    """A reservation is replaced by what the call cost, and what was not billed is given back."""
    ledger, caps = SpendLedger(store, Reserved), Caps(store)
    await caps.set(tenant, "day", cost_usd=DIME)

    assert not (await _reserve(ledger, tenant, 1)).over_cap
    assert (await _reserve(ledger, tenant, 2)).over_cap
    await ledger.settle(f"{tenant}/1", 1, "a", 10, Decimal("0.01"))
    await ledger.settle(f"{tenant}/1", 1, "a", 10, Decimal("0.01"))

    (cap,) = await caps.list(tenant)
    assert (cap.used_tokens, cap.used_cost_usd) == (10, Decimal("0.01"))
    assert (await _reserve(ledger, tenant, 2)).over_cap == "0.11 of 0.1 USD a day"
    await caps.set(tenant, "day", cost_usd=Decimal("0.11"))
    assert not (await _reserve(ledger, tenant, 2)).over_cap


async def test_what_was_refused_is_on_no_books(store: Database, tenant: str) -> None:
    """A refused reservation leaves nothing with its run nor with its tenant."""
    ledger = SpendLedger(store, Reserved)
    await Caps(store).set(tenant, "day", tokens=1)

    await _reserve(ledger, tenant)

    spent = await ledger.of_run(f"{tenant}/0")
    assert (spent.tokens, spent.lost_calls) == (0, 0)
    assert (await Caps(store).list(tenant))[0].used_tokens == 0


async def test_a_cap_is_one_tenants(store: Database, tenant: str) -> None:
    """Another tenant's cap, and another's spend, are none of its."""
    ledger, caps = SpendLedger(store, Reserved), Caps(store)
    await caps.set(tenant, "day", tokens=150)
    await caps.set(f"{tenant}-other", "day", tokens=1)

    assert not (await _reserve(ledger, tenant)).over_cap
    assert (await _reserve(ledger, f"{tenant}-other")).over_cap
    assert not (await _reserve(ledger, f"{tenant}-free")).over_cap
    assert await caps.remove(tenant, "day")
    assert not await caps.remove(tenant, "day")
    assert not (await _reserve(ledger, tenant, 1)).over_cap


async def test_a_month_is_its_days_and_another_day_is_not_today(
    store: Database, tenant: str
) -> None:
    """A day's cap begins anew the next day, a month's the next month."""
    books, caps = TenantBooks(store), Caps(store)
    await caps.set(tenant, "day", tokens=100)
    await caps.set(tenant, "month", tokens=250)
    days = [datetime(2026, 1, day, 23, 59, tzinfo=UTC) for day in (1, 2, 3)]
    february = datetime(2026, 2, 1, tzinfo=UTC)

    def spend(at: datetime) -> str:
        with store._hot.begin() as connection:  # pyright: ignore[reportPrivateUsage]
            books.add(connection, tenant, at, 100, 0)
            return books.over(connection, tenant, at)

    said = [spend(day) for day in days]

    assert said == ["", "", "300 of 250 tokens a month"]
    assert spend(february) == ""
    assert spend(february) == "200 of 100 tokens a day"
    assert TENANT_SPEND.c.day is not None


# --- kept replies


async def _keep(answers: Answers, key: str, tenant: str = "acme", **more: float) -> bool:
    told = {"seconds": 60.0} | more
    return await answers.keep(
        key, tenant=tenant, agent="a", model="m", reply=f"reply {key}", **told
    )


async def test_a_kept_reply_is_found_until_it_expires(store: Database, tenant: str) -> None:
    """Under its key, counted; and no longer than it was to be kept."""
    answers = Answers(store)
    await _keep(answers, f"{tenant}-1", tenant)
    await _keep(answers, f"{tenant}-2", tenant, seconds=-1)

    found = [await answers.find(f"{tenant}-{number}") for number in (1, 1, 2, 3)]

    assert found == [f"reply {tenant}-1", f"reply {tenant}-1", None, None]
    (held,) = await answers.held(tenant)
    assert (held.agent, held.answers, held.hits) == ("a", 1, 2)
    assert await answers.clear(tenant, "b") == 0
    assert await answers.clear(tenant) == 2
    assert await answers.find(f"{tenant}-1") is None


async def test_kept_replies_are_bounded(store: Database, tenant: str) -> None:
    """By size each, and by number: the oldest make room, what has expired first."""
    await Answers(store).clear()
    answers = Answers(store, max_answers=5)

    kept = await answers.keep(
        f"{tenant}-big", tenant=tenant, agent="a", model="m", reply="x" * (MAX_BYTES + 1), seconds=9
    )
    await _keep(answers, f"{tenant}-old", seconds=-1)
    for number in range(8):
        await _keep(answers, f"{tenant}-{number}")

    found = [await answers.find(f"{tenant}-{number}") for number in range(8)]
    assert not kept
    assert [each is not None for each in found] == [False] * 3 + [True] * 5
