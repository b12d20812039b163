"""Secrets are planted wherever one can be; then all that a run leaves is searched for them."""

import base64
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.cli import Cli, Up, free_port

pytestmark = pytest.mark.slow

# No form that anybody knows: only their values can give them away.
CANARIES = {
    "OPENAI_API_KEY": "canary-openai-7f3a9c21d4",
    "ANTHROPIC_API_KEY": "canary-anthropic-0b8e6d55aa",
    "HOLDFAST_LOCAL_API_KEY": "canary-local-93c1f7e2b6",
    "OTEL": "canary-collector-5d2277e9c0",
}


@contextmanager
def _outside() -> Generator[tuple[str, list[bytes], list[str]]]:
    """A model's server that refuses every key and repeats it, and a collector of traces."""
    collected: list[bytes] = []
    refused: list[str] = []

    class Outside(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if self.path.endswith("/v1/traces"):
                collected.append(body)
                self._answer(200, b"")
                return
            key = self.headers.get("Authorization") or self.headers.get("x-api-key") or ""
            refused.append(key)
            said = {"type": "authentication_error", "message": f"bad key {key}", "code": "x"}
            self._answer(401, json.dumps({"type": "error", "error": said}).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Outside)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{serving.server_port}", collected, refused
    serving.shutdown()
    serving.server_close()


def _planted(home: Path, outside: str) -> dict[str, str]:
    """Return the environment: two keys as values, one as a file."""
    file = home.parent / "local.key"
    file.write_text(CANARIES["HOLDFAST_LOCAL_API_KEY"] + "\n")
    return {
        "OPENAI_API_KEY": CANARIES["OPENAI_API_KEY"],
        "OPENAI_BASE_URL": f"{outside}/v1",
        "ANTHROPIC_API_KEY": CANARIES["ANTHROPIC_API_KEY"],
        "ANTHROPIC_BASE_URL": outside,
        "HOLDFAST_LOCAL_API_KEY_FILE": str(file),
        "HOLDFAST_LOCAL_BASE_URL": f"{outside}/v1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": outside,
        "OTEL_EXPORTER_OTLP_HEADERS": f"api-key={CANARIES['OTEL']}",
        "HOLDFAST_LOG_LEVEL": "debug",
        "HOLDFAST_LOG_PROMPTS": "true",
    }


@pytest.mark.timeout(240)
@pytest.mark.requirement("C6.7:canaries")
def test_no_secret_is_in_anything_that_a_run_leaves(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """History, database, logs, report, answers, metrics and spans of a run whose keys are refused.

    The task itself, a caller's business, is there; so the search does look where it should.
    """
    marker = f"marker-{uuid4().hex}"
    home = tmp_path_factory.mktemp("canaries")
    with _outside() as (address, collected, refused):
        port = str(free_port())
        metrics = f"http://127.0.0.1:{port}/metrics"
        planted = _planted(home, address) | {"HOLDFAST_METRICS_PORT": port}
        cli = Cli(home, more=planted)
        token = cli("tokens", "add", "ada", "--role", "starter", "--json").json["token"]
        with Up(cli):
            run_id = f"run-{uuid4().hex[:12]}"
            ran = cli("run", "extract", marker, "--id", run_id, "--json")
            page = tmp_path / "report.html"
            cli("report", run_id, "--html", str(page))
            left: dict[str, bytes] = {
                "history": json.dumps(cli.history(run_id)).encode(),
                "told": (ran.out + ran.err + cli("show", run_id).out).encode(),
                "report": page.read_bytes() if page.exists() else b"",
                "metrics": httpx.get(metrics, trust_env=False, timeout=10).content,
            }
        left["spans"] = b"".join(collected)
        left |= {
            str(file.relative_to(home)): file.read_bytes()
            for file in home.rglob("*")
            if file.is_file()
        }

    assert any(CANARIES["OPENAI_API_KEY"] in key for key in refused)  # they were sent
    encoded = base64.b64encode(marker.encode()).rstrip(b"=")[4:-4]
    history = left["history"]
    assert marker.encode() in history or encoded in history or b"enc" in history
    found = [
        (name, where)
        for name, canary in {**CANARIES, "token": token}.items()
        for where, content in left.items()
        if _holds(content, canary)
    ]
    assert found == []
    assert left["spans"]
    assert left["metrics"]


def _holds(content: bytes, canary: str) -> bool:
    """Whether a text is in some bytes, as it is or in any of the three ways that base64 has."""
    if canary.encode() in content:
        return True
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + canary.encode())
        if whole[4:-4] in content:
            return True
    return False
