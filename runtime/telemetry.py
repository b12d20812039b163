"""Traces, and the SDK's runtime with its own logs and metrics."""

import socket
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Final

from temporalio.client import Plugin
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
    from temporalio.contrib.opentelemetry import ReplaySafeTracerProvider

_FLUSH_MS: Final = 5_000


class Tracing:
    """Spans of runs, exported by OTLP where the usual variable names a collector, else none."""

    def __init__(self, settings: Settings, redact: Callable[[str], str]) -> None:
        self._redact = redact
        # Without a collector no plugin either: trace headers would only lengthen histories.
        self._provider = None if settings.otlp_endpoint is None else _provider()
        self.plugins: list[Plugin] = [] if self._provider is None else [_plugin()]

    def close(self) -> None:
        """Send what is left, within five seconds, and stop."""
        if self._provider is not None:
            self._provider.force_flush(_FLUSH_MS)
            self._provider.shutdown()


def _provider() -> "ReplaySafeTracerProvider":
    # Here and not above: half a second of imports that most processes do not need.
    from opentelemetry import trace  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from temporalio.contrib.opentelemetry import create_tracer_provider  # noqa: PLC0415

    provider = create_tracer_provider(
        resource=Resource.create({"service.name": "holdfast"}),
        # Flushed in order by `close`, not whenever the interpreter comes to it.
        shutdown_on_exit=False,
    )
    # The exporter reads the endpoint and its headers from the environment itself.
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider


def _plugin() -> Plugin:
    from temporalio.contrib.opentelemetry import OpenTelemetryPlugin  # noqa: PLC0415

    return OpenTelemetryPlugin(add_temporal_spans=True)


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
