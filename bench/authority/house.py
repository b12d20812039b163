"""A house on a server that asks for signed names: a worker, a run that asks, and who tries what."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from temporalio.client import Client
from temporalio.service import RPCError

from agents.drill.place import Place
from bench.authority.attempts import ALLOWED, DENIED, TRIES, Caller, tried
from bench.authority.server import NAMESPACES, authorising, connected, prepare
from bench.authority.signer import Signer, published
from runtime.settings import PROJECT

_OURS, _OTHER = NAMESPACES
_PATIENCE_S: Final = 60.0
_LOOKS: Final = ("list runs", "describe", "read the history", "query")
READER, WRITER = "reader", "writer"
NOBODY: Final = (
    "writer of another namespace",
    "name without permissions",
    "worker permission alone",
    "no name",
    "expired name",
    "signed by another",
)


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes:
        told: By caller and attempt.
        identity: What the approving signal's event says of who sent it.
        by: Whom the decision is by.
        shown: The names of these that the report's page shows.
    """

    told: Mapping[str, Mapping[str, str]]
    outcome: str
    identity: str
    by: str
    shown: tuple[str, ...]

    @property
    def as_promised(self) -> bool:
        """Whether writers do all, readers look, and nobody else does anything."""
        expected = {READER: set(_LOOKS), WRITER: set(TRIES)} | {who: set[str]() for who in NOBODY}
        for who, may in expected.items():
            for what, told in self.told[who].items():
                if told != (ALLOWED if what in may else DENIED):
                    return False
        return self.outcome == "completed"


async def look(home: Path) -> Found:
    """Let everybody try everything, then let a writer approve."""
    signer = Signer()
    with published(signer) as keys:
        async with authorising(home / "server", keys) as address:
            admin = signer.name("root", ["temporal-system:admin"])
            await prepare(await connected(address, admin))
            env = _environment(home, address, signer)
            async with _worker(env, home):
                return await _tried(address, signer, env, home)


async def _tried(address: str, signer: Signer, env: Mapping[str, str], home: Path) -> Found:
    run_id = await _asking(env, home)
    writer = await connected(address, signer.name("ada", [f"{_OURS}:write"]))
    await _question(writer, run_id)
    told = {each.who: await tried(address, each, run_id) for each in _callers(signer)}
    # As the Temporal UI's dialog sends it: nothing but the signal's name.
    board = await Client.connect(
        address,
        namespace=_OURS,
        api_key=signer.name("ada", [f"{_OURS}:write"]),
        tls=False,
        identity="the board",
    )
    await board.get_workflow_handle(run_id).signal("approve", {"by": "the chair"})
    result = await asyncio.wait_for(writer.get_workflow_handle(run_id).result(), _PATIENCE_S)
    identities = [
        event.workflow_execution_signaled_event_attributes.identity
        async for event in writer.get_workflow_handle(run_id).fetch_history_events()
        if event.HasField("workflow_execution_signaled_event_attributes")
    ]
    page = home / "report.html"
    await _starter(env, "report", run_id, "--html", str(page))
    written = page.read_text(encoding="utf-8")
    shown = tuple(name for name in ("the board", "the chair") if name in written)
    decisions = [each["by"] for each in result["decisions"]]
    return Found(told, result["outcome"], identities[-1], decisions[-1], shown)


def _callers(signer: Signer) -> list[Caller]:
    other = Signer()  # of the same key id, with a key of its own
    return [
        Caller(READER, signer.name("bob", [f"{_OURS}:read"])),
        Caller(WRITER, signer.name("ada", [f"{_OURS}:write"])),
        Caller(NOBODY[0], signer.name("eve", [f"{_OTHER}:write", f"{_OTHER}:admin"])),
        Caller(NOBODY[1], signer.name("eve", [])),
        Caller(NOBODY[2], signer.name("eve", [f"{_OURS}:worker"])),
        Caller(NOBODY[3], None),
        Caller(NOBODY[4], signer.name("ada", [f"{_OURS}:write"], lasts_s=-60)),
        Caller(NOBODY[5], other.name("ada", [f"{_OURS}:write"])),
    ]


# --- Holdfast's own processes


def _environment(home: Path, address: str, signer: Signer) -> dict[str, str]:
    key = home / "temporal.jwt"
    key.write_text(signer.name("holdfast-worker", [f"{_OURS}:write"]), encoding="utf-8")
    key.chmod(0o600)
    kept = {name: value for name, value in os.environ.items() if "TEMPORAL" not in name}
    return kept | {
        "HOLDFAST_HOME": str(home / "holdfast"),
        "HOLDFAST_METRICS_PORT": "0",
        "TEMPORAL_ADDRESS": address,
        "TEMPORAL_NAMESPACE": _OURS,
        "TEMPORAL_API_KEY_FILE": str(key),
        # Loopback; elsewhere a key goes over TLS.
        "TEMPORAL_TLS": "false",
    }


@asynccontextmanager
async def _worker(env: Mapping[str, str], home: Path) -> AsyncGenerator[None]:
    with (home / "worker.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "worker.py", cwd=PROJECT, env=env, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait_for(process.wait(), _PATIENCE_S)


async def _asking(env: Mapping[str, str], home: Path) -> str:
    """Start a run that asks before it wires money, by the command line; return its id."""
    place = Place.made(home / "place").path
    task = json.dumps({"drill": str(place), "steps": [[["drill_wire", "a"]]]})
    run_id = f"run-{uuid4().hex[:12]}"
    options = ("--data", f"drill={place}", "--id", run_id, "--detach")
    for _ in range(40):  # until the worker is there to be seen
        try:
            await _starter(env, "run", "drill", task, *options)
        except RuntimeError as error:
            if "no worker" not in str(error):
                raise
            await asyncio.sleep(1)
            continue
        return run_id
    raise RuntimeError(f"no worker came: see {home / 'worker.log'}")


async def _starter(env: Mapping[str, str], *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "starter.py", *arguments),
        cwd=PROJECT,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), _PATIENCE_S)
    if process.returncode not in {0, 3}:
        raise RuntimeError(f"starter.py {arguments[0]}: {err.decode()[-500:]}")
    return out.decode() + err.decode()


async def _question(client: Client, run_id: str) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            with suppress(RPCError):  # the worker has just begun
                status: Any = await client.get_workflow_handle(run_id).query("status")
                if status.get("question"):
                    return
            await asyncio.sleep(0.2)
