"""Model calls as activities: both SDKs, a real connection, the offline model's process."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.llm import CallFacts, LLMActivities
from activities.prices import price_usd, worst_case_usd
from activities.providers import build, close
from activities.providers.base import Provider
from activities.spend import Reserved, SpendLedger
from activities.transcripts import Transcripts
from domain.activity import (
    BUDGET_SPENT,
    PROVIDER_ERROR,
    ROUTE_UNUSABLE,
    TRANSCRIPT_MISS,
)
from domain.budget import Cap, Limits, Usage
from domain.messages import Message
from runtime.database import Database
from runtime.spend import SpendLedger as DatabaseSpend
from tests.activities.thinking import (
    MODELS,
    SCRIPT,
    VENDORS,
    Conversation,
    MemorySpend,
    begin,
    spec_of,
)
from tests.offline.server import OfflineServer

HUNDRED = Decimal(100)
Connect = Callable[..., Mapping[str, Provider]]


@pytest.fixture(scope="module")
def offline_process() -> Generator[OfflineServer]:
    """The offline model's process."""
    with OfflineServer() as server:
        yield server


@pytest.fixture
def offline(offline_process: OfflineServer) -> OfflineServer:
    """The offline model, well-behaved."""
    offline_process.misbehave()
    return offline_process


@pytest.fixture
def spend() -> MemorySpend:
    """A ledger in memory."""
    return MemorySpend()


class Worker:
    """What one worker process has, and what it reported."""

    def __init__(self, providers: Mapping[str, Provider], spend: SpendLedger) -> None:
        self.facts: list[CallFacts] = []
        self.transcripts = Transcripts()
        self.llm = LLMActivities(providers, self.transcripts, spend, self.facts.append)

    def begin(self, vendor: str, task: str = SCRIPT, **changes: Any) -> Conversation:
        """Return a conversation on this worker."""
        return begin(self.llm, self.transcripts, spec_of(vendor, **changes), task)


@pytest.fixture
async def connect() -> AsyncGenerator[Connect]:
    """Build providers; their connections close with the test."""
    built: list[Mapping[str, Provider]] = []

    def connected(**settings: Any) -> Mapping[str, Provider]:
        built.append(build(**settings))
        return built[-1]

    yield connected
    for providers in built:
        await close(providers)


@pytest.fixture
def worker(offline: OfflineServer, spend: MemorySpend, connect: Connect) -> Worker:
    """A worker whose models are offline."""
    return Worker(connect(offline_url=offline.url), spend)


async def _refusal(conversation: Conversation, **changes: Any) -> ApplicationError:
    with pytest.raises(ApplicationError) as caught:
        await conversation.think(**changes)
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_conversation_runs_to_its_answer(vendor: str, worker: Worker) -> None:
    """Each turn sends what is new; calls, results and the answer come through both protocols."""
    conversation = worker.begin(vendor)

    keys: list[str] = []
    while (reply := await conversation.think()).message.calls:
        assert reply.finish == "tool_calls"
        (call,) = reply.message.calls
        keys.append(call.arguments)
        results = conversation.results()
        worker.transcripts.remember(results[0])
        conversation.say(*results)

    assert len(keys) == 3
    assert [f'"{turn}|100"' in key for turn, key in enumerate(keys)] == [True] * 3
    assert reply.message.text == "done"
    assert reply.finish == "stop"


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_stand_in_says_so(vendor: str, worker: Worker) -> None:
    """The reply names the stand-in; its price is that of the model it stands in for."""
    reply = await worker.begin(vendor).think()

    assert reply.model == f"offline stand-in for {MODELS[vendor]}"
    assert reply.cost_usd == price_usd(vendor, MODELS[vendor], reply.usage)
    assert reply.cost_usd > 0
    # What has a default and is not set would be missing from the history.
    assert {"message", "finish", "usage", "cost_usd", "model"} <= reply.model_fields_set
    assert {"input_tokens", "output_tokens"} <= reply.usage.model_fields_set


@pytest.mark.parametrize("vendor", VENDORS)
async def test_ids_are_enough_for_what_a_tool_left(vendor: str, worker: Worker) -> None:
    """After the first turn only ids cross; the model sees the texts."""
    conversation = worker.begin(vendor)
    await conversation.think()
    (result,) = conversation.results("a text that only the worker has")
    worker.transcripts.remember(result)
    conversation.say(result)

    reply = await conversation.think(new=(result.id,))

    assert '"1|100"' in reply.message.calls[0].arguments


async def test_another_worker_says_what_it_lacks(
    worker: Worker, offline: OfflineServer, spend: MemorySpend, connect: Connect
) -> None:
    """A miss costs nothing: no reservation, no model call; by value the run goes on."""
    conversation = worker.begin("openai")
    await conversation.think()
    conversation.say(*conversation.results())
    other = Worker(connect(offline_url=offline.url), spend)
    moved = replace(conversation, llm=other.llm)
    before = dict(spend.rows)

    caught = await _refusal(moved)

    assert caught.type == TRANSCRIPT_MISS
    assert spend.rows == before
    assert len(offline.calls(moved.lineage)) == 1
    reply = await moved.think(base="", new=tuple(moved.messages), whole_spec=moved.spec)
    assert '"1|100"' in reply.message.calls[0].arguments


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("fault", ["cut", "oversized", "error,status=408"])
async def test_what_may_have_been_billed_stays_on_the_books(
    vendor: str, fault: str, worker: Worker, offline: OfflineServer, spend: MemorySpend
) -> None:
    """A retryable failure after the provider went to work keeps its reservation."""
    offline.misbehave(fault)
    conversation = worker.begin(vendor)

    caught = await _refusal(conversation)

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

    await _refusal(conversation)

    assert list(spend.rows.values()) == [(0, Decimal(0), True)]
    offline.misbehave()
    assert (await conversation.think()).message.calls


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

    caught = await _refusal(worker.begin(vendor))

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
    asked = await _refusal(conversation)
    offline.misbehave("server_error")
    first = await _refusal(conversation)
    conversation.attempt(4)
    fourth = await _refusal(conversation)

    assert asked.next_retry_delay == timedelta(seconds=7)
    assert first.next_retry_delay is not None
    assert timedelta(seconds=0.5) <= first.next_retry_delay <= timedelta(seconds=1)
    assert fourth.next_retry_delay is not None
    assert timedelta(seconds=13) <= fourth.next_retry_delay <= timedelta(seconds=27)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("fault", ["malformed", "invent_tool", "wrong_types"])
async def test_what_a_model_gets_wrong_is_not_an_error_here(
    vendor: str, fault: str, worker: Worker, offline: OfflineServer
) -> None:
    """Bad arguments and unknown tools arrive as the model wrote them, for the check to refuse."""
    offline.misbehave(fault)

    reply = await worker.begin(vendor).think()

    (call,) = reply.message.calls
    assert call.name.startswith("invented_" if fault == "invent_tool" else "lookup")
    if fault == "malformed":
        assert call.arguments == '{"broken": "off'
    elif fault == "wrong_types":
        assert json.loads(call.arguments) == {"key": {"wrong": ["type"]}}


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
    assert (await _refusal(conversation)).type == PROVIDER_ERROR
    conversation.attempt(2)

    caught = await _refusal(conversation)

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

    caught = await _refusal(conversation, cap=Cap(tokens=10_000, cost_usd=Decimal("0.0001")))

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

    caught = await _refusal(worker.begin("openai", route=(route,)))

    assert caught.type == ROUTE_UNUSABLE
    assert caught.non_retryable
    assert says in caught.message
    assert not spend.rows


async def test_a_route_that_is_not_there_says_so(worker: Worker) -> None:
    """An index beyond the route is a clear refusal."""
    caught = await _refusal(worker.begin("openai"), route=3)

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

    caught = await _refusal(Worker(providers, spend).begin(vendor))

    assert "Incorrect API key provided: [key]" in caught.message
    assert key not in repr(caught.__dict__)


async def test_a_slow_model_is_waited_for_with_heartbeats(
    worker: Worker, offline: OfflineServer
) -> None:
    """While the model thinks, the activity beats at a third of its timeout."""
    conversation = worker.begin("openai")
    beats: list[object] = []
    env = ActivityEnvironment()
    env.info = replace(env.info, heartbeat_timeout=timedelta(milliseconds=60))
    env.on_heartbeat = lambda *details: beats.append(details)
    offline.misbehave("latency,ms=300")

    await env.run(worker.llm.think, conversation.request())

    assert len(beats) >= 5


async def test_the_span_has_the_numbers_and_no_text(worker: Worker) -> None:
    """The call is named in OpenTelemetry's GenAI words on the activity's own span."""
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    conversation = worker.begin("openai", task='{"turns":0,"secret":"do not tell"}')

    with provider.get_tracer("test").start_as_current_span("RunActivity:llm.think"):
        reply = await conversation.think()

    (span,) = kept.get_finished_spans()
    attributes = dict(span.attributes or {})
    assert attributes["gen_ai.operation.name"] == "chat"
    assert attributes["gen_ai.provider.name"] == "openai"
    assert attributes["gen_ai.request.model"] == "gpt-5-mini"
    assert attributes["gen_ai.response.model"] == reply.model
    assert attributes["gen_ai.usage.input_tokens"] == reply.usage.input_tokens
    assert attributes["gen_ai.usage.output_tokens"] == reply.usage.output_tokens
    assert "do not tell" not in repr(attributes)


async def test_a_provider_knows_a_run_by_an_opaque_id(
    worker: Worker, offline: OfflineServer
) -> None:
    """The logical run's own name does not leave the machine; its calls are found by it here."""
    conversation = worker.begin("anthropic")
    await conversation.think()

    assert len(offline.calls(conversation.lineage)) == 1
    assert conversation.lineage not in repr(offline.get("/stats"))


async def test_a_request_too_large_for_any_provider_is_not_sent(
    worker: Worker, spend: MemorySpend
) -> None:
    """A conversation beyond what providers take stops the run, at no cost."""
    conversation = worker.begin("openai")
    conversation.say(*(Message(role="user", text="x" * 9_000_000) for _ in range(4)))

    caught = await _refusal(conversation)

    assert caught.type == ROUTE_UNUSABLE
    assert "shorten" in caught.message
    assert not spend.rows


@pytest.mark.parametrize("vendor", VENDORS)
def test_cached_tokens_cost_less(vendor: str) -> None:
    """The price library knows the discount; a worst case counts none."""
    model = MODELS[vendor]
    fresh = price_usd(vendor, model, Usage(input_tokens=10_000, output_tokens=1))
    cached = price_usd(
        vendor, model, Usage(input_tokens=10_000, output_tokens=1, cached_tokens=9_000)
    )

    assert cached < fresh
    assert worst_case_usd(f"{vendor}:{model}", 10_000, 1) == fresh
    assert worst_case_usd(f"{vendor}:unheard-of", 10_000, 1) == 0
