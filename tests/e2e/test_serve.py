"""The HTTP service as people run it: processes of its own, beside `up`."""

import asyncio
import base64
import hashlib
import hmac
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from agents.drill.place import Place
from bench.drill.rig import Rig, rig
from runtime.settings import PROJECT
from runtime.tokens import Tokens
from tests.e2e.cli import PATIENCE_S, Cli, free_port

pytestmark = pytest.mark.slow

BENCH = {"agent": "bench", "task": '{"turns": 2, "result_bytes": 100, "latency_ms": 0}'}


class Copy:
    """One copy of the service."""

    def __init__(self, env: dict[str, str], *options: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the program under test
            [sys.executable, "starter.py", "serve", "--json", "--port", "0", *options],
            cwd=PROJECT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        text = ""
        for line in self._process.stdout:
            text += line
            if line.startswith("}"):
                break
        self.told: dict[str, Any] = json.loads(text)

    def __enter__(self) -> Self:
        """Serve for a while."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running."""
        self.stop()

    def stop(self) -> tuple[int, str]:
        """Ask it to end; return its exit code and its log."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        _, log = self._process.communicate(timeout=PATIENCE_S)
        return self._process.returncode, log

    def client(self, token: str) -> httpx.Client:
        """Return a program that comes in with a token."""
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(
            base_url=self.told["address"], headers=headers, trust_env=False, timeout=30
        )


@pytest.fixture(scope="module")
def copies(cli: Cli) -> Generator[list[Copy]]:
    """Two copies on one stack."""
    with Copy(cli.env()) as one, Copy(cli.env()) as two:
        yield [one, two]


def _token(cli: Cli, name: str, scope: str, *more: str) -> str:
    made = cli("tokens", "add", name, "--scope", scope, *more)
    assert made.code == 0, made.err
    return made.out.strip()


def test_asked_through_one_copy_and_answered_through_the_other(
    cli: Cli, copies: list[Copy], tmp_path: Path
) -> None:
    """Two processes, one stack: started and asked here, listed and approved there; once."""
    folder = tmp_path / "place"
    place = Place.made(folder)
    task = json.dumps({"drill": str(folder), "steps": [[["drill_wire", "a"]]]})
    given = {"agent": "drill", "task": task, "data": {"drill": str(folder)}}
    body = {"workflow": "agent", "input": given}
    tenant = ("--tenant", "acme")
    with (
        copies[0].client(_token(cli, "billing", "start,read", *tenant)) as billing,
        copies[1].client(_token(cli, "ada", "read,approve", *tenant)) as ada,
        copies[1].client(_token(cli, "eve", "read,approve,start", "--tenant", "other")) as eve,
    ):
        key = {"Idempotency-Key": "payment-1"}
        started = billing.post("/v1/runs", json=body, headers=key)
        again = billing.post("/v1/runs", json=body, headers=key)
        run = started.headers["location"]
        waiting = _waiting(ada, started.json()["run_id"])
        where = f"{run}/approvals/{waiting['question']['id']}"
        stranger = eve.post(where, json={"verdict": "approve"})
        answer = ada.post(where, json={"verdict": "approve", "reason": "checked"})
        ended = billing.get(f"{run}/result?wait=30").json()

    assert (started.status_code, again.status_code, again.json()["new"]) == (201, 200, False)
    assert stranger.status_code == 404
    assert (answer.status_code, answer.json()["by"]) == (200, "ada")
    assert (ended["outcome"], ended["result"]["decisions"][0]["by"]) == ("completed", "ada")
    effects = [line["item"] for line in place.lines() if line["what"] == "effect"]
    assert effects == ["a"]


def _waiting(program: httpx.Client, run_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = program.get("/v1/approvals", params={"below": run_id}).json()["waiting"]
        if found:
            return found[0]
        time.sleep(0.2)
    raise AssertionError(f"{run_id} asks nothing")


def test_a_token_ends_when_it_is_revoked_in_every_copy(cli: Cli, copies: list[Copy]) -> None:
    """It is listed without its text; once revoked it lets nobody in anywhere."""
    text = _token(cli, "robot", "read", "--days", "1")
    listed = cli("tokens", "list", "--json")
    mine = next(row for row in listed.json if row["name"] == "robot")
    with copies[0].client(text) as one, copies[1].client(text) as two:
        before = [each.get("/v1/runs").status_code for each in (one, two)]
        revoked = cli("tokens", "revoke", mine["id"])
        after = [each.get("/v1/runs").status_code for each in (one, two)]

    assert (before, revoked.code, after) == ([200, 200], 0, [401, 401])
    assert text.split("_")[2] not in listed.out
    assert (mine["scopes"], mine["workflows"], mine["state"]) == (["read"], ["agent"], "good")
    made = cli("tokens", "add", "all", "--scope", "start", "--workflow", "all", "--json").json
    assert made["workflows"] == []
    assert "revoked" in cli("tokens", "list").out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("tokens", "add", "a b"), "NAME 'a b'"),
        (("tokens", "add", "x", "--tenant", "a/b"), "--tenant 'a/b'"),
        (("tokens", "add", "x", "--scope", "all"), "--scope 'all'"),
        (("tokens", "add", "x", "--workflow", "nothing"), "--workflow 'nothing'"),
        (("serve", "--certificate", "x.pem"), "TLS needs both"),
        (("serve", "--webhooks", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_a_misuse_is_told_in_one_line(cli: Cli, arguments: tuple[str, ...], told: str) -> None:
    """Exit code 2; nothing is made, nothing serves."""
    ran = cli(*arguments)

    assert (ran.code, told in ran.line) == (2, True), ran.err


def test_what_cannot_be_had_is_told_in_one_line(cli: Cli, alone: Cli, copies: list[Copy]) -> None:
    """A taken port, no server, a token that is not there: exit code 1 and what to do."""
    taken = copies[0].told["address"].rpartition(":")[2]

    refused = cli("serve", "--port", taken)
    nothing = alone("serve")
    unknown = cli("tokens", "revoke", "nobody")

    assert [ran.code for ran in (refused, nothing, unknown)] == [1, 1, 1]
    assert f"cannot listen on 127.0.0.1:{taken}" in refused.line
    assert "starter.py up" in nothing.line
    assert "tokens list" in unknown.line


def test_a_copy_ends_in_order_and_its_log_holds_no_secret(cli: Cli, tmp_path: Path) -> None:
    """SIGTERM ends open streams and exits 0; who asked is in the log, tokens and tasks are not."""
    file = tmp_path / "webhooks.toml"
    file.write_text(
        '[[webhook]]\nname = "orders"\nsecret_env = "ORDERS_SECRET"\n'
        'input = {agent = "bench", task = "{{task}}"}\n'
    )
    cli.more["ORDERS_SECRET"] = "whsec_" + base64.b64encode(b"k" * 32).decode()
    text = _token(cli, "ada", "read,start")
    with Copy(cli.env(), "--webhooks", str(file)) as copy, copy.client(text) as program:
        delivered = program.post("/v1/webhooks/orders", **_signed(b"k" * 32))
        run = delivered.json()["run_id"]
        cli("watch", run)
        body = {"workflow": "agent", "input": BENCH | {"data": {"x": "personal-data"}}}
        held = program.post("/v1/runs", json=body, headers={"Idempotency-Key": "k"})
        with program.stream("GET", held.headers["location"] + "/events") as stream:
            lines = stream.iter_lines()
            next(lines)
            code, log = copy.stop()
            rest = list(lines)

    assert (delivered.status_code, copy.told["webhooks"]) == (202, ["orders"])
    assert code == 0, log
    assert rest is not None
    assert '"caller": "ada"' in log
    for secret in (text, text.split("_")[2], "personal-data", "whsec_", "Traceback"):
        assert secret not in log


def _signed(secret: bytes) -> dict[str, Any]:
    body = json.dumps({"task": BENCH["task"]}).encode()
    at = str(int(time.time()))
    told = f"msg_1.{at}.".encode() + body
    digest = base64.b64encode(hmac.new(secret, told, hashlib.sha256).digest()).decode()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{digest}",
    }
    return {"content": body, "headers": headers}


def test_another_address_without_tls_is_warned_of(cli: Cli) -> None:
    """The default listens to this machine only and says so; another address is warned of."""
    with Copy(cli.env(), "--host", "0.0.0.0") as copy:  # noqa: S104 - that is what is shown
        _, log = copy.stop()

    assert "without TLS so can the tokens" in log


@asynccontextmanager
async def _beside(running: Rig) -> AsyncGenerator[tuple[Copy, httpx.AsyncClient]]:
    """Yield a copy of the service on a rig's stack, and a program."""
    _, text = await Tokens(running.session.database).add(
        name="ada", tenant="default", scopes=("read", "start", "approve")
    )
    env = running.stack.env | {"HOLDFAST_SERVER_PORT": str(free_port())}
    copy = await asyncio.to_thread(Copy, env)
    headers = {"Authorization": f"Bearer {text}"}
    async with httpx.AsyncClient(
        base_url=copy.told["address"], headers=headers, trust_env=False, timeout=60
    ) as program:
        yield copy, program
    await asyncio.to_thread(copy.stop)


@pytest.mark.timeout(120)
async def test_a_run_that_was_started_over_http_survives_its_worker(tmp_path: Path) -> None:
    """The worker is killed in mid-run: the stream goes on to the end, nothing is bought twice."""
    folder = tmp_path / "place"
    place = Place.made(folder)
    place.hold("b")
    steps = [[["drill_pay", "a"]], [["drill_look", "b"]]]
    task = json.dumps({"drill": str(folder), "steps": steps})
    given = {"agent": "drill", "task": task, "data": {"drill": str(folder)}}
    async with rig(tmp_path / "home") as running, _beside(running) as (_, program):
        key = {"Idempotency-Key": "order-1"}
        body = {"workflow": "agent", "input": given}
        started = await program.post("/v1/runs", json=body, headers=key)
        run = started.headers["location"]
        events: list[str] = []
        async with program.stream("GET", f"{run}/events") as stream:
            async for line in stream.aiter_lines():
                events += [line[7:]] if line.startswith("event: ") else []
                if line.startswith("event: turn") and events.count("turn") == 2:
                    await _begun(place, "b")
                    await running.kill_worker()
                    place.release()
        again = await program.post("/v1/runs", json=body, headers=key)
        ended = (await program.get(f"{run}/result")).json()
        stats = await running.stats()

    assert events[-1] == "end"
    assert (again.status_code, again.json()["closed"]) == (200, True)
    assert (ended["outcome"], ended["result"]["turns"]) == ("completed", events.count("turn"))
    assert stats["calls"] == events.count("turn"), stats
    effects = [line["item"] for line in place.lines() if line["what"] == "effect"]
    assert effects == ["a"]
    assert stats["repeated"] == 0, stats


async def _begun(place: Place, item: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not any(line.get("item") == item for line in place.lines()):
            await asyncio.sleep(0.05)
