"""`python -m bench.carrier`: a carrier's service on loopback that can be down, and counts.

It says on one line where it listens. `POST /be/down`, `/be/up` and `/be/busy?retry_after=3` set
how it answers; `GET /seen` tells when each call came and what it was, to the microsecond.
"""

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Carrier:
    """How the service is, and what has come in.

    Attributes:
        seen: Epoch seconds, path and status of each call, in order.
        booked: Bookings by idempotency key; a second one under a key changes nothing.
    """

    def __init__(self) -> None:
        self.mood = "up"
        self.retry_after = ""
        self.seen: list[tuple[float, str, int]] = []
        self.booked: dict[str, str] = {}
        self._lock = threading.Lock()

    def take(self, path: str, key: str) -> tuple[int, str]:
        """Answer a call, and write it down."""
        at = time.time()
        with self._lock:
            status, text = self._answer(path, key)
            self.seen.append((at, path, status))
        return status, text

    def _answer(self, path: str, key: str) -> tuple[int, str]:
        if self.mood == "down":
            return HTTPStatus.SERVICE_UNAVAILABLE, "down"
        if self.mood == "busy":
            return HTTPStatus.TOO_MANY_REQUESTS, "busy"
        kind, _, parcel = path.strip("/").partition("/")
        if kind == "book":
            self.booked.setdefault(key, parcel)
        told = {"quote": "990 cents", "track": "under way", "book": "booked"}
        return HTTPStatus.OK, f"parcel {parcel}: {told.get(kind, 'unknown')}"


def handler(carrier: Carrier) -> type[BaseHTTPRequestHandler]:
    """Return what answers requests for `carrier`."""

    class Handler(BaseHTTPRequestHandler):
        """One connection."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer a read."""
            if self.path == "/seen":
                told = {"seen": carrier.seen, "booked": carrier.booked}
                self._say(HTTPStatus.OK, json.dumps(told))
                return
            self._say(*carrier.take(self.path, ""))

        def do_POST(self) -> None:
            """Answer a write, or change the mood."""
            self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = urlsplit(self.path)
            if parts.path.startswith("/be/"):
                carrier.mood = parts.path.removeprefix("/be/")
                carrier.retry_after = parse_qs(parts.query).get("retry_after", [""])[0]
                self._say(HTTPStatus.OK, carrier.mood)
                return
            self._say(*carrier.take(self.path, self.headers.get("idempotency-key", "")))

        def _say(self, status: int, text: str) -> None:
            raw = text.encode()
            self.send_response(status)
            self.send_header("content-length", str(len(raw)))
            if status == HTTPStatus.TOO_MANY_REQUESTS and carrier.retry_after:
                self.send_header("retry-after", carrier.retry_after)
            self.end_headers()
            self.wfile.write(raw)

        log_message: Callable[..., Any] = lambda *_: None

    return Handler


class Server(ThreadingHTTPServer):
    """Takes a hundred callers at once."""

    request_queue_size = 256
    daemon_threads = True


def main() -> None:
    """Serve until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    server = Server(("127.0.0.1", parser.parse_args().port), handler(Carrier()))
    sys.stdout.write(json.dumps({"address": f"http://127.0.0.1:{server.server_port}"}) + "\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
