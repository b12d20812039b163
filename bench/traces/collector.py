"""A collector that takes OTLP by HTTP and keeps what it is sent, for tests and measurements."""

import gzip
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

Mood = Literal["up", "down", "deaf"]
"""`deaf`: it keeps what it is sent, and says that it is not there."""

_PATH: Final = "/v1/traces"


@dataclass(frozen=True)
class Seen:
    """A span as it was received; ids in hex, times in nanoseconds since 1970."""

    trace: str
    id: str
    parent: str
    name: str
    start: int
    end: int
    attributes: dict[str, Any]
    error: str
    links: tuple[str, ...]
    happened: tuple[str, ...]
    service: str


@dataclass
class Collector:
    """What was received.

    Attributes:
        address: For `OTEL_EXPORTER_OTLP_ENDPOINT`.
        seen: Every span, in the order of arrival, as often as it came.
        requests: Requests that were answered well.
    """

    address: str = ""
    mood: Mood = "up"
    seen: list[Seen] = field(default_factory=list[Seen])
    requests: int = 0

    def take(self, body: bytes) -> HTTPStatus:
        """Take one request."""
        if self.mood == "down":
            return HTTPStatus.SERVICE_UNAVAILABLE
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            named = {each.key: _value(each.value) for each in resource.resource.attributes}
            service = str(named.get("service.name", ""))
            for scope in resource.scope_spans:
                self.seen += (_seen(span, service) for span in scope.spans)
        if self.mood == "deaf":
            return HTTPStatus.SERVICE_UNAVAILABLE
        self.requests += 1
        return HTTPStatus.OK

    def of(self, trace: str) -> list[Seen]:
        """Return the spans of a trace, as often as they came."""
        return [span for span in list(self.seen) if span.trace == trace]


@contextmanager
def collector() -> Generator[Collector]:
    """Serve on a free port of the loopback, for as long as the context lasts."""
    kept = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            status = kept.take(body) if self.path == _PATH else HTTPStatus.NOT_FOUND
            self.send_response(status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.address = f"http://127.0.0.1:{server.server_address[1]}"
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        try:
            yield kept
        finally:
            server.shutdown()
            serving.join()


def _seen(span: Span, service: str) -> Seen:
    return Seen(
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        name=span.name,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        attributes={each.key: _value(each.value) for each in span.attributes},
        error=span.status.message if span.status.code == Status.STATUS_CODE_ERROR else "",
        links=tuple(link.trace_id.hex() for link in span.links),
        happened=tuple(event.name for event in span.events),
        service=service,
    )


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(_value(each) for each in value.array_value.values)
    return getattr(value, kind) if kind else None
