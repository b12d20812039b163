"""What model calls cost: reserved before, settled after, and never above a limit."""

import asyncio
from decimal import Decimal

import pytest

from activities.prices import price_usd, worst_case_usd
from activities.spend import Reserved
from domain.budget import Cap, Limits, Usage
from domain.thinking import BUDGET_SPENT, PROVIDER_ERROR
from runtime.database import Database
from runtime.spend import SpendLedger as DatabaseSpend
from tests.activities.conftest import Connect
from tests.activities.thinking import (
    MODELS,
    VENDORS,
    MemorySpend,
    Worker,
    refusal,
)
from tests.offline.server import OfflineServer

HUNDRED = Decimal(100)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("fault", ["cut", "oversized", "error,status=408"])
async def test_what_may_have_been_billed_stays_on_the_books(
    vendor: str, fault: str, worker: Worker, offline: OfflineServer, spend: MemorySpend
) -> None:
    """A retryable failure after the provider went to work keeps its reservation."""
    offline.misbehave(fault)
    conversation = worker.begin(vendor)

    caught = await refusal(conversation)

    assert caught.type == PROVIDER_ERROR
    assert not caught.non_retryable
    ((tokens, cost, settled),) = spend.rows.values()
    assert tokens == 10_000
    assert cost > 0
    assert not settled


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("fault", ["rate_limit", "server_error", "quota", "error,status=400"])
async def test_what_was_not_billed_is_off_the_books(
    vendor: str, fault: str, worker: Worker, offline: OfflineServer, spend: MemorySpend
) -> None:
    """A refusal costs nothing, and the same request again gets its answer."""
    offline.misbehave(fault)
    conversation = worker.begin(vendor)

    await refusal(conversation)

    assert list(spend.rows.values()) == [(0, Decimal(0), True)]
    offline.misbehave()
    assert (await conversation.think()).message.calls


@pytest.mark.parametrize("kept", ["memory", "database"])
async def test_a_lost_attempt_is_charged(
    kept: str, offline: OfflineServer, spend: MemorySpend, database: Database, connect: Connect
) -> None:
    """An attempt that vanished keeps its reservation, and the next reports it with its reply."""
    ledger = spend if kept == "memory" else DatabaseSpend(database, Reserved)
    worker = Worker(connect(offline_url=offline.url), ledger)
    conversation = worker.begin("openai")
    offline.misbehave("hang,first=1")
    request = conversation.request()
    lost = asyncio.create_task(conversation.env.run(worker.llm.think, request))
    async with asyncio.timeout(10):
        while not offline.calls(conversation.lineage):
            await asyncio.sleep(0)
    lost.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lost

    conversation.attempt(2)
    reply = await conversation.think()

    assert reply.lost_tokens == request.cap.tokens
    worst = worst_case_usd(conversation.spec.route[0], request.cap.tokens - 500, 500)
    assert reply.lost_cost_usd == worst
    conversation.say(*conversation.results())
    assert (await conversation.think()).lost_tokens == 0
    standing = await ledger.reserve(conversation.lineage, 9, "x", 0, Decimal(0))
    assert standing.total_cost_usd > worst


async def test_a_cap_is_not_exceeded(worker: Worker, offline: OfflineServer) -> None:
    """With the reservation over a limit nothing is sent, and nothing stays on the books."""
    limits = Limits(tokens=15_000, cost_usd=HUNDRED)
    conversation = worker.begin("openai", limits=limits)
    offline.misbehave("cut,first=1")
    assert (await refusal(conversation)).type == PROVIDER_ERROR
    conversation.attempt(2)

    caught = await refusal(conversation)

    assert caught.type == BUDGET_SPENT
    assert caught.non_retryable
    assert "20000 of 15000 tokens" in caught.message
    assert len(offline.calls(conversation.lineage)) == 1
    conversation.attempt(3)
    reply = await conversation.think(cap=Cap(tokens=5_000, cost_usd=HUNDRED))
    assert reply.lost_tokens == 10_000


async def test_a_call_that_cannot_be_paid_is_not_made(
    worker: Worker, offline: OfflineServer, spend: MemorySpend
) -> None:
    """The worst case at the route's price is held against what is left, before anything else."""
    conversation = worker.begin("openai")

    caught = await refusal(conversation, cap=Cap(tokens=10_000, cost_usd=Decimal("0.0001")))

    assert caught.type == BUDGET_SPENT
    assert "0.0001" in caught.message
    assert not spend.rows
    assert not offline.calls(conversation.lineage)


async def test_no_cost_limit_needs_no_price(worker: Worker) -> None:
    """A limit of 0 USD caps tokens alone, so a model without a price can serve."""
    conversation = worker.begin(
        "openai", route=("openai:my-own-model",), limits=Limits(cost_usd=Decimal(0))
    )

    reply = await conversation.think(cap=Cap(tokens=10_000, cost_usd=Decimal(0)))

    assert reply.cost_usd == 0
    assert reply.model == "offline stand-in for my-own-model"


@pytest.mark.parametrize("vendor", VENDORS)
def test_cached_tokens_cost_less(vendor: str) -> None:
    """The price library knows the discount; a worst case counts none, and what writing costs."""
    model = MODELS[vendor]
    fresh = price_usd(vendor, model, Usage(input_tokens=10_000, output_tokens=1))
    cached = price_usd(
        vendor, model, Usage(input_tokens=10_000, output_tokens=1, cached_tokens=9_000)
    )

    written = price_usd(
        vendor, model, Usage(input_tokens=10_000, output_tokens=1, cache_written_tokens=10_000)
    )

    assert cached < fresh <= written
    assert worst_case_usd(f"{vendor}:{model}", 10_000, 1) == max(fresh, written)
    assert worst_case_usd(f"{vendor}:unheard-of", 10_000, 1) == 0


@pytest.mark.requirement("C6.8:reply-kept")
async def test_a_reply_is_not_given_up_for_books_that_are_away(
    worker: Worker, spend: MemorySpend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was bought: lost, it would be bought again. Its reservation stays on the books."""

    async def away(*_: object) -> None:
        raise ConnectionError("the database is away")

    monkeypatch.setattr(spend, "settle", away)
    conversation = worker.begin("openai")

    reply = await conversation.think()

    assert reply.message.calls
    assert [settled for _, _, settled in spend.rows.values()] == [False]
