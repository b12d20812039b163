"""Sending spans to a collector by OTLP, as the usual environment variables say."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from runtime.settings import Settings, SettingsError
from runtime.tracing.span import Told

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_MOST: Final = 256  # spans in one request: some have whole conversations in them
_SCOPE: Final = "holdfast"
_EXPORTERS: Final[Mapping[str, str]] = {
    "http/protobuf": "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "grpc": "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
}


class Sender(Protocol):
    """Where spans go."""

    async def send(self, spans: Sequence[Told]) -> bool:
        """Send spans; return whether all of them were taken."""
        ...


def exporter(settings: Settings) -> "SpanExporter":
    """Return what speaks the protocol; it reads endpoint, headers and certificates by itself.

    Raises:
        SettingsError: The protocol is unknown, or what speaks it is not installed.
    """
    module = _EXPORTERS[settings.otlp_protocol]
    try:
        found: Any = import_module(module)
    except ImportError as error:
        raise SettingsError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL is {settings.otlp_protocol!r}, which needs a package: "
            "pip install opentelemetry-exporter-otlp-proto-grpc, or unset it for http/protobuf"
        ) from error
    return found.OTLPSpanExporter()


class OtlpSender:
    """Sends by OTLP, in a thread of its own: the exporter blocks while a collector is slow."""

    def __init__(self, to: "SpanExporter", provider: "TracerProvider") -> None:
        self._exporter = to
        self._provider = provider
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="traces")

    async def send(self, spans: Sequence[Told]) -> bool:
        """Send spans; return whether the collector has taken all of them.

        Those before the first that it did not take have been sent, and will be sent again: a
        backend knows them by their ids.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._send, spans)

    def _send(self, spans: Sequence[Told]) -> bool:
        from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415 - loaded by now

        sampled = [self._readable(told) for told in spans if self._sampled(told)]
        return all(
            self._exporter.export(sampled[at : at + _MOST]) is SpanExportResult.SUCCESS
            for at in range(0, len(sampled), _MOST)
        )

    def close(self) -> None:
        """Let the connection go."""
        self._exporter.shutdown()  # first: it ends what waits for a collector that is away
        self._thread.shutdown(cancel_futures=True)

    def _sampled(self, told: Told) -> bool:
        """Whether a trace is kept: by its id, so that all of it is or nothing."""
        found = self._provider.sampler.should_sample(None, told.trace, told.name)
        return found.decision.is_sampled()

    def _readable(self, told: Told) -> "ReadableSpan":
        from opentelemetry.sdk.trace import Event, ReadableSpan  # noqa: PLC0415 - loaded by now
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415
        from opentelemetry.trace import (  # noqa: PLC0415
            Link,
            SpanContext,
            SpanKind,
            Status,
            StatusCode,
            TraceFlags,
        )

        def context(trace: int, span: int) -> SpanContext:
            flags = TraceFlags(TraceFlags.SAMPLED)
            return SpanContext(trace, span, is_remote=False, trace_flags=flags)

        return ReadableSpan(
            name=told.name,
            context=context(told.trace, told.id),
            parent=context(told.trace, told.parent) if told.parent else None,
            resource=self._provider.resource,
            attributes=told.attributes,
            events=[Event(each.name, each.attributes, each.at) for each in told.happened],
            links=[
                Link(context(link.trace, link.span), {"holdfast.link": link.why})
                for link in told.links
            ],
            kind=SpanKind.CLIENT if told.client else SpanKind.INTERNAL,
            status=Status(StatusCode.UNSET)
            if told.error is None
            else Status(StatusCode.ERROR, told.error),
            start_time=told.start,
            end_time=told.end,
            instrumentation_scope=InstrumentationScope(_SCOPE),
        )
