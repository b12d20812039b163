"""Model calls that bring no answer: what is tried again, and what a person must mend."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from activities.providers import Vendors, build
from domain.messages import Message
from domain.thinking import PROVIDER_ERROR, ROUTE_UNUSABLE
from tests.activities.conftest import Connect
from tests.activities.thinking import (
    VENDORS,
    MemorySpend,
    Worker,
    refusal,
)
from tests.fakes import ScriptedProvider
from tests.offline.server import OfflineServer


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("rate_limit", (PROVIDER_ERROR, "retried")),
        ("server_error", (PROVIDER_ERROR, "retried")),
        ("error,status=409", (PROVIDER_ERROR, "retried")),
        ("quota", (ROUTE_UNUSABLE, "refused")),
        ("unauthorized", (ROUTE_UNUSABLE, "refused")),
        ("error,status=403", (ROUTE_UNUSABLE, "refused")),
        ("error,status=404", (ROUTE_UNUSABLE, "refused")),
    ],
)
async def test_what_no_attempt_mends_stops_the_run(
    vendor: str, fault: str, expected: tuple[str, str], worker: Worker, offline: OfflineServer
) -> None:
    """Key, quota and route are for a person; the rest is tried again."""
    kind, outcome = expected
    offline.misbehave(fault)

    caught = await refusal(worker.begin(vendor))

    assert caught.type == kind
    assert caught.non_retryable is (kind == ROUTE_UNUSABLE)
    assert worker.facts[-1].outcome == outcome


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_rate_limit_waits_as_long_as_the_provider_asks(
    vendor: str, worker: Worker, offline: OfflineServer
) -> None:
    """A 429 hands the server's delay to Temporal; without one the wait grows by attempt."""
    conversation = worker.begin(vendor)
    offline.misbehave("rate_limit,retry_after_s=7")
    asked = await refusal(conversation)
    offline.misbehave("server_error")
    first = await refusal(conversation)
    conversation.attempt(4)
    fourth = await refusal(conversation)

    assert asked.next_retry_delay is not None
    assert timedelta(seconds=7) <= asked.next_retry_delay <= timedelta(seconds=7.7)
    assert first.next_retry_delay is not None
    assert timedelta(seconds=0.5) <= first.next_retry_delay <= timedelta(seconds=1)
    assert fourth.next_retry_delay is not None
    assert timedelta(seconds=13) <= fourth.next_retry_delay <= timedelta(seconds=27)


@pytest.mark.parametrize(
    ("route", "says"),
    [
        ("anthropic:claude-haiku-4-5", "set ANTHROPIC_API_KEY"),
        ("mistral:large", "expected provider:model"),
        ("openai", "expected provider:model"),
        ("openai:", "expected provider:model"),
        ("openai:no-such-model", "no price is known"),
    ],
)
async def test_an_unusable_route_says_what_to_do(
    route: str, says: str, spend: MemorySpend, offline: OfflineServer, connect: Connect
) -> None:
    """A route without key, provider or price stops the run before anything is reserved."""
    worker = Worker(connect(openai_api_key="sk-x", openai_base_url=f"{offline.url}/v1"), spend)

    caught = await refusal(worker.begin("openai", route=(route,)))

    assert caught.type == ROUTE_UNUSABLE
    assert caught.non_retryable
    assert says in caught.message
    assert not spend.rows


async def test_a_route_that_is_not_there_says_so(worker: Worker) -> None:
    """An index beyond the route is a clear refusal."""
    caught = await refusal(worker.begin("openai"), route=3)

    assert caught.type == ROUTE_UNUSABLE


def test_without_any_model_the_worker_does_not_start() -> None:
    """Neither a key nor an offline model: the error says what to set."""
    with pytest.raises(ValueError, match="OPENAI_API_KEY"):
        build()


@pytest.mark.parametrize("vendor", VENDORS)
async def test_the_key_is_in_no_failure(
    vendor: str, offline: OfflineServer, spend: MemorySpend, connect: Connect
) -> None:
    """The stand-in echoes the key as providers do; the recorded failure has none of it."""
    key = "sk-live-0123456789abcdef"
    providers = (
        connect(openai_api_key=key, openai_base_url=f"{offline.url}/v1")
        if vendor == "openai"
        else connect(anthropic_api_key=key, anthropic_base_url=offline.url)
    )
    offline.misbehave("unauthorized")

    caught = await refusal(Worker(providers, spend).begin(vendor))

    assert "Incorrect API key provided: [key]" in caught.message
    assert key not in repr(caught.__dict__)


async def test_a_request_too_large_for_any_provider_is_not_sent(
    worker: Worker, spend: MemorySpend
) -> None:
    """A conversation beyond what providers take stops the run, at no cost."""
    conversation = worker.begin("openai")
    conversation.say(*(Message(role="user", text="x" * 9_000_000) for _ in range(4)))

    caught = await refusal(conversation)

    assert caught.type == ROUTE_UNUSABLE
    assert "shorten" in caught.message
    assert not spend.rows


async def test_a_provider_is_made_while_heartbeats_go_on(spend: MemorySpend) -> None:
    """A run comes to its second vendor in mid-activity: its SDK's import must not look like death.

    It did: the server took the worker for dead, and the reply was bought twice.
    """
    provider = ScriptedProvider(["done"])

    def slowly() -> ScriptedProvider:
        time.sleep(0.5)
        return provider

    run = Worker(Vendors({"openai": slowly}, soon=[]), spend).begin("openai")
    beats: list[float] = []
    run.env.on_heartbeat = lambda *_: beats.append(time.monotonic())
    run.env.info = replace(run.env.info, heartbeat_timeout=timedelta(milliseconds=150))

    reply = await run.think()

    assert reply.message.text == "done"
    assert len(beats) >= 4
