"""The offline model as a process: it starts, says where it is, and goes when asked."""

import json
import os
import subprocess
import sys

import pytest

from runtime.settings import PROJECT
from tests.offline.server import OfflineServer

PROGRAM = [sys.executable, "-m", "runtime.offline"]


def test_it_says_where_it_is_and_what_it_is() -> None:
    """One line of JSON on the standard output, and a free port on loopback."""
    with OfflineServer() as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert server.started["pid"] == server.process.pid
        assert "stand-in" in server.started["serves"]
        assert server.get("/healthz")["ok"] is True
        assert server.get("/v1/models")["data"][0]["id"] == "offline-stand-in"
        assert server.post("/nowhere", {}).status_code == 404


def test_it_ends_on_sigterm() -> None:
    """Asked to end, it ends at once and well, with a connection open."""
    server = OfflineServer()
    server.get("/healthz")

    assert server.stop() == 0


def test_faults_can_be_set_from_outside() -> None:
    """The command line, the environment and a request set faults; the last holds."""
    environment = {**os.environ, "HOLDFAST_OFFLINE_MISBEHAVE": "rate_limit,rate=0.5; server_error"}
    os.environ.update(environment)
    try:
        with OfflineServer("--misbehave", "latency,ms=5", "--seed", "9") as server:
            setting = server.get("/misbehave")
            server.misbehave("cut")
            after = server.get("/misbehave")
    finally:
        del os.environ["HOLDFAST_OFFLINE_MISBEHAVE"]

    assert setting["seed"] == 9
    assert [rule["kind"] for rule in setting["rules"]] == ["rate_limit", "server_error", "latency"]
    assert [rule["kind"] for rule in after["rules"]] == ["cut"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--misbehave", "explode"], "'explode'"),
        (["--misbehave", "cut,rate=2"], "'2'"),
        (["--misbehave", "cut,speed=2"], "speed"),
        (["--port", "1", "--host", "203.0.113.1"], "cannot listen on 203.0.113.1:1"),
    ],
)
def test_a_wrong_option_is_one_line(options: list[str], says: str) -> None:
    """What cannot be read is named with what could be, and exits with 2."""
    ended = subprocess.run(  # noqa: S603 - our own program
        [*PROGRAM, *options], cwd=PROJECT, capture_output=True, text=True, timeout=20, check=False
    )

    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1
    assert says in ended.stderr


def test_a_wrong_fault_is_refused_and_the_old_ones_stay() -> None:
    """A request that cannot be read changes nothing and says what is wrong."""
    with OfflineServer("--misbehave", "latency,ms=1") as server:
        answer = server.post("/misbehave", {"rules": ["explode"]})

        assert answer.status_code == 400
        assert "explode" in answer.json()["error"]["message"]
        assert server.post("/misbehave", 7).status_code == 400
        assert server.get("/misbehave")["rules"][0]["kind"] == "latency"


def test_it_does_not_outlive_who_started_it() -> None:
    """With its option set, it ends when its parent was killed and could not stop it."""
    parent = subprocess.Popen(  # noqa: S603 - our own program
        [
            sys.executable,
            "-c",
            (
                "import subprocess, sys; "
                "subprocess.Popen(sys.argv[1:], stdout=sys.stdout); sys.stdin.read()"
            ),
            *PROGRAM,
            "--with-parent",
        ],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    json.loads(parent.stdout.readline())

    parent.kill()
    parent.wait(10)

    # It holds the other end of the pipe, so the pipe's end is its own.
    assert parent.stdout.read() == b""
    parent.stdout.close()
    parent.stdin.close()
