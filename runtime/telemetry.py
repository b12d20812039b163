"""Traces, and the SDK's runtime with its own logs and metrics."""

import logging
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Final

from temporalio.client import Client, Plugin
from temporalio.plugin import SimplePlugin
from temporalio.runtime import (
    LoggingConfig,
    LoggingFormat,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from runtime.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    from runtime.database import Database
    from runtime.tracing.in_step import InStep
    from runtime.tracing.otlp import OtlpSender

_FLUSH_MS: Final = 5_000


class Tracing:
    """Spans of runs, sent by OTLP where the usual variable names a collector, else none.

    They are made from the runs' histories (`runtime.tracing`), so a run carries no headers, has no
    step more, and costs nothing where no collector is named.
    """

    def __init__(self, settings: Settings, redact: Callable[[str], str]) -> None:
        self._settings = settings
        self._redact = redact
        self._on = bool(settings.otlp_endpoint or settings.otlp_traces_endpoint)
        self._in_step: InStep | None = None
        self.plugins: list[Plugin] = []
        if self._on:
            # Before anything runs: half a second of imports that would hold up heartbeats.
            from runtime.tracing import in_step  # noqa: PLC0415

            self._provider = _provider()
            self._sender = _sender(settings, self._provider)
            self._in_step = in_step.InStep(in_step.Notes(redact))
            self.plugins = [SimplePlugin("holdfast-traces", interceptors=[self._in_step])]

    @asynccontextmanager
    async def following(self, client: Client, database: "Database") -> AsyncGenerator[None]:
        """Keep the traces of what runs here up to date, for as long as the context lasts."""
        if self._in_step is None:
            yield
            return
        from runtime.tracing.follower import Follower  # noqa: PLC0415

        follower = Follower(
            client,
            database,
            self._sender,
            self._redact,
            task_queue=self._settings.task_queue,
            content=self._settings.trace_content,
            noted=self._in_step.notes.of,
        )
        self._in_step.following = follower
        follower.start()
        try:
            yield
        finally:
            self._in_step.following = None
            await follower.close()

    def close(self) -> None:
        """Send what a program's own instrumentation has left, within five seconds, and stop."""
        if self._on:
            self._provider.force_flush(_FLUSH_MS)
            self._provider.shutdown()
            self._sender.close()


def _provider() -> "TracerProvider":
    """Return what the spans of others go through: those of instrumented libraries in tools."""
    from opentelemetry import trace  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES stand over this.
    ours = Resource({"service.name": "holdfast"}).merge(_named(Resource.create()))
    # Flushed in order by `close`, not whenever the interpreter comes to it.
    provider = TracerProvider(resource=ours, shutdown_on_exit=False)
    trace.set_tracer_provider(provider)
    return provider


def _named(found: "Resource") -> "Resource":
    """Return a resource without the name that the SDK gives to what has none."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

    unnamed = str(found.attributes.get("service.name", "")).startswith("unknown_service")
    drop = {"service.name"} if unnamed else set[str]()
    return Resource({k: v for k, v in found.attributes.items() if k not in drop})


def _sender(settings: Settings, provider: "TracerProvider") -> "OtlpSender":
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    from runtime.tracing.otlp import OtlpSender, exporter  # noqa: PLC0415

    # Each attempt at a collector that is away is an error to it; the follower says it once.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
    provider.add_span_processor(BatchSpanProcessor(exporter(settings)))
    return OtlpSender(exporter(settings), provider)


def sdk_runtime() -> tuple[Runtime, str]:
    """Return the SDK's runtime, and the URL where it shows its own metrics.

    They are counted natively and served by the SDK on a loopback port, since draining them
    through Python would cost more CPU than all of ours.
    """
    address = f"127.0.0.1:{_free_port()}"
    runtime = Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(
                filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
                # Written natively: forwarding to Python would call into it from other threads.
                format=LoggingFormat.JSON,
            ),
            metrics=PrometheusConfig(
                bind_address=address, counters_total_suffix=True, durations_as_seconds=True
            ),
        )
    )
    return runtime, f"http://{address}/metrics"


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
