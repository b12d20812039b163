"""Model calls as activities: both SDKs, a real connection, the offline model's process."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from temporalio.testing import ActivityEnvironment

from activities.prices import price_usd
from domain.thinking import TRANSCRIPT_MISS
from tests.activities.conftest import Connect
from tests.activities.thinking import (
    MODELS,
    VENDORS,
    MemorySpend,
    Worker,
    refusal,
)
from tests.offline.server import OfflineServer


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

    caught = await refusal(moved)

    assert caught.type == TRANSCRIPT_MISS
    assert spend.rows == before
    assert len(offline.calls(moved.lineage)) == 1
    reply = await moved.think(base="", new=tuple(moved.messages), whole_spec=moved.spec)
    assert '"1|100"' in reply.message.calls[0].arguments


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
