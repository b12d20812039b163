"""Traces, by their parts: where executions stand, what is sent, what activities know."""

import asyncio
import os
from collections.abc import Sequence
from uuid import uuid4

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from temporalio import activity
from temporalio.api.history.v1 import HistoryEvent
from temporalio.testing import ActivityEnvironment
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
)

from bench.traces.collector import collector
from runtime.database import Database
from runtime.settings import Settings, SettingsError
from runtime.telemetry import Tracing
from runtime.tracing.cursors import Cursors, Sent
from runtime.tracing.family import Family, Standing
from runtime.tracing.ids import call_of, hex_span, hex_trace, root_of, step_of, trace_of
from runtime.tracing.in_step import InStep, Notes
from runtime.tracing.otlp import OtlpSender, exporter
from runtime.tracing.span import Happened, Link, Told
from tests.runtime.traces import PAYLOADS, Server, recorded, run_id_of

TOLD = Told(
    name="chat m",
    trace=trace_of("a"),
    id=7,
    parent=root_of("a"),
    start=1_000,
    end=2_000,
    by_event=4,
    attributes={"n": 1, "names": ("a", "b")},
    happened=(Happened("attempt failed", 1_500),),
    links=(Link(trace_of("b"), root_of("b"), "forked from"),),
    error="no",
    client=True,
)


# --- nothing where it is off


@pytest.mark.requirement("C6.1:off")
async def test_without_a_collector_there_is_nothing(settings: Settings, database: Database) -> None:
    """No plugin, so no header and no interceptor; no task that reads; no table is touched."""
    tracing = Tracing(settings, str)
    tasks = asyncio.all_tasks()

    async with tracing.following(None, database):  # pyright: ignore[reportArgumentType]
        assert asyncio.all_tasks() == tasks
    tracing.close()

    assert tracing.plugins == []


def test_a_protocol_that_nobody_speaks_is_refused() -> None:
    """The message names the variable and what to install."""
    settings = Settings(otlp_endpoint="http://127.0.0.1:1", otlp_protocol="grpc")

    with pytest.raises(SettingsError, match="opentelemetry-exporter-otlp-proto-grpc"):
        exporter(settings)


# --- where executions stand


def _started(case: str, **changes: object) -> HistoryEvent:
    event = HistoryEvent()
    event.CopyFrom(recorded(case)[0])
    started = event.workflow_execution_started_event_attributes
    for name, value in changes.items():
        setattr(started, name, value)
    return event


def _below(of: str, asked_by: int, run_id: str) -> HistoryEvent:
    event = _started(
        "agent/happy",
        first_execution_run_id=run_id,
        original_execution_run_id=run_id,
        parent_initiated_event_id=asked_by,
    )
    above = event.workflow_execution_started_event_attributes.parent_workflow_execution
    above.workflow_id, above.run_id = "above", of
    return event


async def _standing(server: Server, run_id: str) -> Standing:
    standing = await Family(server.look, PAYLOADS).standing("any", run_id)
    assert standing is not None
    return standing


@pytest.mark.requirement("C6.1:below")
async def test_a_run_below_an_agents_stands_under_its_call() -> None:
    """In the trace of the run above, under the event that asked for it."""
    above = recorded("agent/asks_another")
    of = run_id_of(above)

    standing = await _standing(Server({of: above[0], "c": _below(of, 16, "c")}), "c")

    assert standing.trace == trace_of(of)
    assert standing.parent == call_of(of, 16)
    assert standing.under == root_of("c")


@pytest.mark.requirement("C6.1:lists")
async def test_a_document_of_a_batch_has_a_trace_of_its_own() -> None:
    """It links to the batch's: a trace of ten thousand documents could not be looked at."""
    above = recorded("batch/happy")
    of = run_id_of(above)

    standing = await _standing(Server({of: above[0], "d": _below(of, 9, "d")}), "d")

    assert standing.trace == trace_of("d")
    assert standing.parent == 0
    assert [link.trace for link in standing.links] == [trace_of(of)]


@pytest.mark.requirement("C6.1:resumed")
async def test_what_continues_a_resumed_run_stands_on_its_own() -> None:
    """The run's span was told when it failed; what comes after has one of its own under it."""
    first = _started("agent/happy", first_execution_run_id="1", original_execution_run_id="1")
    reset = _started("agent/happy", first_execution_run_id="1", original_execution_run_id="1")
    onward = _started(
        "agent/happy",
        first_execution_run_id="1",
        original_execution_run_id="3",
        continued_execution_run_id="2",
    )
    server = Server({"1": first, "2": reset, "3": onward})

    before, resumed, after = [await _standing(server, run_id) for run_id in ("1", "2", "3")]

    assert {each.trace for each in (before, resumed, after)} == {trace_of("1")}
    assert (before.under, before.own_leg) == (root_of("1"), False)
    assert resumed.own_leg
    assert after.own_leg
    assert resumed.parent == after.parent == root_of("1")
    assert len({before.under, resumed.under, after.under}) == 3


async def test_an_execution_that_is_gone_stands_nowhere() -> None:
    """Its history had a retention."""
    family = Family(Server().look, PAYLOADS)

    assert await family.standing("any", "gone") is None


# --- who sends, and how far


@pytest.mark.requirement("C6.1:alone")
async def test_what_one_has_claimed_another_does_not_get(database: Database) -> None:
    """Until it is let go; then the other goes on from where it was sent to."""
    one, other, run_id = Cursors(database), Cursors(database), uuid4().hex

    mine = await one.claim({run_id: "w"})
    theirs = await other.claim({run_id: "w"})
    await one.advance({run_id: Sent(12)})
    after = await other.claim({run_id: "w"})

    assert mine == {run_id: Sent(0)}
    assert theirs == {}
    assert after == {run_id: Sent(12)}


@pytest.mark.requirement("C6.1:left-behind")
async def test_what_was_not_sent_to_its_end_is_known(database: Database) -> None:
    """Of the closed by their ids, of the open by how far they were sent."""
    cursors = Cursors(database)
    done, open_, unknown = (uuid4().hex for _ in range(3))
    await cursors.claim({done: "w", open_: "w"})
    await cursors.advance({done: Sent(9, closed=True), open_: Sent(5)})

    assert await cursors.unsent([done, open_, unknown]) == {open_, unknown}
    assert ("w", open_, 5) in await cursors.unfinished()


# --- what is sent


class _Exporter(SpanExporter):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing is open."""


@pytest.mark.requirement("C6.1:collector")
async def test_a_span_arrives_as_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a real connection, in OTLP: ids, times, attributes, events, links, status."""
    with collector() as kept:
        monkeypatch.setitem(os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT", kept.address)
        resource = Resource({"service.name": "holdfast"})
        sender = OtlpSender(exporter(Settings()), TracerProvider(resource=resource))

        taken = await sender.send([TOLD])
        sender.close()

    (span,) = kept.seen
    assert taken
    assert (span.trace, span.id) == (hex_trace(TOLD.trace), hex_span(TOLD.id))
    assert span.parent == hex_span(TOLD.parent)
    assert (span.start, span.end) == (1_000, 2_000)
    assert span.attributes == {"n": 1, "names": ("a", "b")}
    assert (span.happened, span.error, span.service) == (("attempt failed",), "no", "holdfast")
    assert span.links == (hex_trace(trace_of("b")),)


async def test_a_trace_is_sampled_whole_or_not_at_all() -> None:
    """By its id, as the usual variables say: every worker decides alike."""
    kept = _Exporter()
    sender = OtlpSender(kept, TracerProvider(sampler=TraceIdRatioBased(0.5)))
    traces = [trace_of(str(number)) for number in range(40)]
    spans = [Told("s", each, number, 0, 1, 2, 1, {}) for each in traces for number in range(1, 4)]

    await sender.send(spans)

    sent = [span.context.trace_id for span in kept.spans if span.context]
    assert 0 < len(set(sent)) < 40
    assert all(sent.count(each) == 3 for each in set(sent))


# --- what an activity knows


class _Following:
    def __init__(self, standing: Standing | None) -> None:
        self._standing = standing
        self.told: list[str] = []

    async def standing(self, workflow_id: str, run_id: str) -> Standing | None:
        """Return the one."""
        return self._standing

    def touched(self, workflow_id: str, run_id: str) -> None:
        """Note it."""
        self.told.append(run_id)


@pytest.mark.requirement("C6.1:in-step")
async def test_an_activity_is_in_its_steps_span() -> None:
    """Logs name trace and span; what is noted is kept, redacted; the follower hears of it."""
    env = ActivityEnvironment()
    run_id = str(env.info.workflow_run_id)
    standing = await _standing(Server({run_id: _started("agent/happy")}), run_id)
    in_step = InStep(Notes(lambda text: text.replace("secret", "[out]")))
    in_step.following = following = _Following(standing)
    seen: dict[str, object] = {}

    class _Ends(ActivityInboundInterceptor):
        def __init__(self) -> None:
            """Nothing is behind it."""

        async def execute_activity(self, input: ExecuteActivityInput) -> object:
            trace.get_current_span().set_attribute("my.note", "a secret")
            trace.get_current_span().set_attributes({"my.list": ["a"]})
            seen.update(structlog.contextvars.get_contextvars())
            seen["context"] = trace.get_current_span().get_span_context()
            return activity.info().activity_id

    given = ExecuteActivityInput(fn=print, args=[], executor=None, headers={})
    wrapped = in_step.intercept_activity(_Ends())
    step = await env.run(wrapped.execute_activity, given)

    span = step_of(run_id, str(step))
    assert seen["trace_id"] == hex_trace(standing.trace)
    assert seen["span_id"] == hex_span(span)
    assert in_step.notes.of(span) == {"my.note": "a [out]", "my.list": ("a",)}
    assert following.told == [run_id]
    assert not trace.get_current_span().get_span_context().is_valid
