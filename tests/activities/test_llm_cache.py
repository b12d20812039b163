"""Replies that are used again: exactly the same request, of the same tenant and agent."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from activities.llm import LLMActivities
from activities.providers.base import Provider
from activities.spend import Reserved
from activities.transcripts import Transcripts
from agents.toolkit import Agent, Prompt
from domain.budget import Limits
from domain.thinking import PROVIDER_ERROR, ROUTE_UNUSABLE
from runtime.answers import Answers
from runtime.caps import Caps
from runtime.database import Database
from runtime.spend import SpendLedger
from tests.activities.conftest import Connect
from tests.activities.thinking import (
    VENDORS,
    Conversation,
    MemorySpend,
    Worker,
    begin,
    refusal,
    spec_of,
)
from tests.offline.server import OfflineServer

HOUR = 3600.0


class Desk:
    """A worker that keeps replies in a database."""

    def __init__(self, providers: Mapping[str, Provider], database: Database) -> None:
        self.outcomes: list[str] = []
        self.spend = MemorySpend()
        self.transcripts = Transcripts()
        self.llm = LLMActivities(
            providers,
            self.transcripts,
            self.spend,
            lambda facts: self.outcomes.append(facts.outcome),
            answers=Answers(database),
        )

    def begin(self, vendor: str, task: str, **changes: Any) -> Conversation:
        """Return a conversation of a run of its own."""
        return begin(self.llm, self.transcripts, spec_of(vendor, **changes), task)


@pytest.fixture
def desk(offline: OfflineServer, database: Database, connect: Connect) -> Desk:
    """A worker that keeps replies; its models are offline."""
    return Desk(connect(offline_url=offline.url), database)


def script(name: str, turns: int = 2) -> str:
    """Return a task that no other test has."""
    return f'{{"turns":{turns},"result_bytes":100,"latency_ms":0,"of":"{name}"}}'


@pytest.mark.parametrize("vendor", VENDORS)
async def test_with_the_cache_on_the_same_prompt_is_bought_once(vendor: str, desk: Desk) -> None:
    """Two runs, one call: the second reply is the first, costs nothing, and says so."""
    task = script(f"on-{vendor}")
    runs = [desk.begin(vendor, task, cache_s=HOUR) for _ in range(2)]

    first, second = [await run.think() for run in runs]

    assert desk.outcomes == ["ok", "cached"]
    assert (first.cached, second.cached) == (False, True)
    assert second.message == first.message
    assert second.usage == first.usage
    assert first.cost_usd > 0
    assert second.cost_usd == 0
    (_, paid), (_, free) = [(row[0], row[1]) for row in desk.spend.rows.values()]
    assert (paid, free) == (first.cost_usd, 0)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_with_the_cache_off_each_prompt_is_bought(vendor: str, desk: Desk) -> None:
    """Two runs, two calls."""
    runs = [desk.begin(vendor, script(f"off-{vendor}")) for _ in range(2)]

    replies = [await run.think() for run in runs]

    assert desk.outcomes == ["ok", "ok"]
    assert not any(reply.cached for reply in replies)
    assert all(reply.cost_usd for reply in replies)


async def test_a_whole_conversation_is_found_again(desk: Desk) -> None:
    """Turn by turn, with calls of tools: the same calls lead to the same results."""
    runs = [desk.begin("openai", script("turns", 3), cache_s=HOUR) for _ in range(2)]

    for run in runs:
        for _ in range(3):
            await run.think()
            run.say(*run.results())
        await run.think()

    assert desk.outcomes == ["ok"] * 4 + ["cached"] * 4
    assert runs[0].head == runs[1].head


@pytest.mark.parametrize(
    "other",
    [
        {"name": "other"},
        {"system": "Agent: bench (prompt v2)\nYou look keys up."},
        {"route": ("openai:gpt-5-nano",)},
        {"tools": ()},
        {"cache_s": 0.0},
        {"temperature": 0.7},
    ],
)
async def test_another_request_is_bought(other: dict[str, Any], desk: Desk) -> None:
    """One that differs in agent, prompt, model or tools; or that is to differ each time."""
    task = script(f"differ-{other}".replace('"', "'"))
    await desk.begin("openai", task, cache_s=HOUR).think()

    reply = await desk.begin("openai", task, **({"cache_s": HOUR} | other)).think()

    assert not reply.cached


async def test_another_tenant_buys_its_own(desk: Desk) -> None:
    """What one tenant's run was told does not answer another's."""
    runs = [desk.begin("openai", script("tenants"), cache_s=HOUR) for _ in range(3)]

    replies = [
        await run.think(tenant=tenant)
        for run, tenant in zip(runs, ["acme", "umbrella", "acme"], strict=True)
    ]

    assert [reply.cached for reply in replies] == [False, False, True]


async def test_equal_requests_at_once_are_sent_once(desk: Desk, offline: OfflineServer) -> None:
    """The others wait for the first one's reply, where they are on one worker."""
    offline.misbehave("latency,ms=200")
    runs = [desk.begin("openai", script("at-once"), cache_s=HOUR) for _ in range(5)]

    replies = await asyncio.gather(*(run.think() for run in runs))

    assert sorted(desk.outcomes) == ["cached"] * 4 + ["ok"]
    assert len({reply.message.id for reply in replies}) == 1


async def test_a_failure_is_not_kept(desk: Desk, offline: OfflineServer) -> None:
    """Nor does it keep others from being asked."""
    run = desk.begin("openai", script("failing"), cache_s=HOUR)
    offline.misbehave("server_error,first=1")

    caught = await refusal(run)

    assert caught.type == PROVIDER_ERROR
    run.attempt(2)
    assert not (await run.think()).cached


async def test_a_kept_reply_tells_of_lost_attempts(desk: Desk, offline: OfflineServer) -> None:
    """An attempt that may have been billed is charged, also where the next one costs nothing."""
    task = script("lost")
    await desk.begin("openai", task, cache_s=HOUR).think()
    run = desk.begin("openai", task, cache_s=HOUR)
    await desk.spend.reserve(run.lineage, 1, "vanished", 500, Decimal("0.01"))

    reply = await run.think()

    assert reply.cached
    assert (reply.lost_tokens, reply.lost_cost_usd) == (500, Decimal("0.01"))


def test_a_cache_of_replies_that_are_to_differ_is_refused() -> None:
    """A temperature asks for another reply each time."""
    told: dict[str, Any] = {"prompt": Prompt("You test.", "v1"), "cache": timedelta(hours=1)}

    with pytest.raises(ValueError, match="always the same"):
        Agent(name="tester", temperature=0.7, **told)

    assert Agent(name="tester", temperature=0, **told).spec().cache_s == HOUR


# --- whom a private agent may be sent to, and at whose expense


async def test_a_private_agents_words_are_not_sent_away(
    worker: Worker, offline: OfflineServer
) -> None:
    """Whatever route a request names, the door itself refuses, and nothing leaves the house."""
    run = worker.begin("openai", private=True)

    caught = [
        await refusal(run),
        await refusal(run, model="anthropic:claude-haiku-4-5"),
    ]

    assert [each.type for each in caught] == [ROUTE_UNUSABLE] * 2
    assert "is private" in caught[0].message
    assert not offline.calls(run.lineage)
    reply = await run.think(model="local:llama3.1")
    assert reply.model == "offline stand-in for llama3.1"
    assert [call["vendor"] for call in offline.calls(run.lineage)] == ["local"]
    assert reply.cost_usd == 0


async def test_over_the_tenants_cap_nothing_is_sent(
    offline: OfflineServer, database: Database, connect: Connect
) -> None:
    """A typed failure that no attempt mends; after the cap was raised the call is made."""
    ledger, caps = SpendLedger(database, Reserved), Caps(database)
    worker = Worker(connect(offline_url=offline.url), ledger)
    run = worker.begin("openai", limits=Limits(tokens=10**9, cost_usd=Decimal(10**6)))
    await caps.set("capped", "day", tokens=100, by="test")

    caught = await refusal(run, tenant="capped")

    assert caught.type == "TenantCapReached"
    assert caught.non_retryable
    assert "the cap of tenant 'capped'" in caught.message
    assert "10000 of 100 tokens a day" in caught.message
    assert not offline.calls(run.lineage)
    await caps.set("capped", "day", tokens=10_000)
    run.attempt(2)
    assert (await run.think(tenant="capped")).usage.total > 0
