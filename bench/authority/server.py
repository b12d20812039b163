"""The Temporal server with deploy/temporal/authorization.yaml, as a process of its own."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from runtime.search_attributes import SearchAttributesMissing, ensure_search_attributes
from runtime.settings import PROJECT

BINARY: Final = "temporal-server"
NAMESPACES: Final = ("holdfast", "other")
_PATIENCE_S: Final = 90.0
_SERVICES: Final = ("frontend", "internal-frontend", "history", "matching", "worker")


class ServerMissing(RuntimeError):
    """There is no server's binary; the message says how to get it."""


def binary() -> str:
    """Return the server's program.

    Raises:
        ServerMissing: It is neither in the PATH nor where Go puts programs.
    """
    found = shutil.which(BINARY) or shutil.which(BINARY, path=str(Path.home() / "go" / "bin"))
    if found is None:
        raise ServerMissing(
            f"there is no {BINARY}; `go install go.temporal.io/server/cmd/server@v1.29.1` builds "
            f"it as `server`; call it {BINARY}"
        )
    return found


@asynccontextmanager
async def authorising(home: Path, keys: str) -> AsyncGenerator[str]:
    """Yield the address of a server that takes names signed by one of the keys at `keys`."""
    config = home / "config"
    config.mkdir(parents=True)
    text = (PROJECT / "deploy" / "temporal" / "authorization.yaml").read_text(encoding="utf-8")
    (config / "authorization.yaml").write_text(text, encoding="utf-8")
    env = (
        os.environ
        | _ports()
        | {
            "TEMPORAL_JWT_KEY_SOURCE1": keys,
            "SQLITE_FILE": str(home / "temporal.db"),
        }
    )
    services = [part for name in _SERVICES for part in ("--service", name)]
    with (home / "server.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(binary(), "--root", str(home), "--config", "config", "--env", "authorization"),
            *("start", *services),
            env=env,
            stdout=log,
            stderr=log,
        )
    try:
        yield f"127.0.0.1:{env['FRONTEND_GRPC_PORT']}"
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
            await process.wait()


async def connected(address: str, name: str | None, *, patience_s: float = _PATIENCE_S) -> Client:
    """Return a client that shows a signed name, once the server answers at all."""
    deadline = asyncio.get_running_loop().time() + patience_s
    while True:
        try:
            return await Client.connect(address, namespace=NAMESPACES[0], api_key=name, tls=False)
        except RuntimeError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.5)


async def prepare(admin: Client) -> None:
    """Make the namespaces and their search attributes, which only an administrator may."""
    for name in NAMESPACES:
        wanted = RegisterNamespaceRequest(
            namespace=name,
            workflow_execution_retention_period=Duration(seconds=86_400),
        )
        await _patiently(admin.workflow_service.register_namespace, wanted)
    await _patiently(ensure_search_attributes, admin)


async def _patiently(do: Callable[[Any], Awaitable[Any]], given: Any) -> None:
    """Do it, as soon as the server's parts have found each other, and its caches know of it."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE_S
    while True:
        try:
            await do(given)
        except (RPCError, SearchAttributesMissing) as error:
            known = isinstance(error, RPCError) and error.status is RPCStatusCode.ALREADY_EXISTS
            if known:
                return
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.5)
        else:
            return


def _ports() -> dict[str, str]:
    names = [
        f"{service.replace('-', '_').upper()}_{kind}_PORT"
        for service in _SERVICES
        for kind in ("GRPC", "MEMBERSHIP")
    ]
    found: dict[str, str] = {}
    with_all = [socket.create_server(("127.0.0.1", 0)) for _ in names]
    for name, listening in zip(names, with_all, strict=True):
        with closing(listening):
            found[name] = str(listening.getsockname()[1])
    return found
