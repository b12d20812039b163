"""Temporal's services, each a process, with the files of deploy/temporal/."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from bench.cluster.postgres import OWNER, Postgres
from bench.cluster.programs import HOST, Program, finish, found, free_ports
from commands.errors import CommandError
from runtime.search_attributes import ensure_search_attributes
from runtime.settings import PROJECT

SERVICES: Final = ("frontend", "history", "matching", "worker")
FILES: Final = PROJECT / "deploy" / "temporal"
_NAMESPACE: Final = "default"
_STORES: Final = {"temporal": "temporal", "temporal_visibility": "visibility"}
_READY_S: Final = 90.0
_RETENTION: Final = timedelta(days=30)


@dataclass
class Server:
    """The running services, by name; history may be several: `history`, `history-2`."""

    address: str
    services: dict[str, Program]
    shards: int

    async def start(self) -> None:
        """Start them all at once, as an orchestrator would."""
        await asyncio.gather(*(program.keep() for program in self.services.values()))

    async def stop(self) -> None:
        """Stop them all."""
        await asyncio.gather(*(program.stop() for program in self.services.values()))

    def named(self, *names: str) -> list[Program]:
        """Return services by how they begin; all where none is named."""
        return [program for name, program in self.services.items() if name.startswith(names or "")]


@asynccontextmanager
async def server(
    home: Path, database: Postgres, *, shards: int, histories: int = 1
) -> AsyncGenerator[Server]:
    """Set up the databases, start the services, and stop them at the end.

    Args:
        home: Where their logs go.
        database: Where everything is kept.
        shards: Locks that the runs are spread over.
        histories: Processes that the shards are spread over.
    """
    await _set_up(database)
    made = _described(home, database, shards, histories)
    try:
        await made.start()
        await _ready(made)
        yield made
    finally:
        await made.stop()


async def _set_up(database: Postgres) -> None:
    await database.create(*_STORES)
    tool = [str(found("temporal-sql-tool")), "--plugin", "postgres12", "--endpoint", HOST]
    tool += ["--port", str(database.port), "--user", OWNER]
    for name, store in _STORES.items():
        schema = ["--schema-name", f"postgresql/v12/{store}"]
        await finish([*tool, "--database", name, "setup-schema", "--version", "0.0"])
        await finish([*tool, "--database", name, "update-schema", *schema])


def _described(home: Path, database: Postgres, shards: int, histories: int) -> Server:
    names = [*SERVICES, *(f"history-{number}" for number in range(2, histories + 1))]
    ports = free_ports(2 * len(names) + 1)
    env = {"PATH": os.defpath, "HOME": str(home)}
    env |= {
        "POSTGRES_SEEDS": HOST,
        "DB_PORT": str(database.port),
        "POSTGRES_USER": OWNER,
        "NUM_HISTORY_SHARDS": str(shards),
        "DYNAMIC_CONFIG_FILE_PATH": str(FILES / "dynamic.yaml"),
        "LOG_LEVEL": "error",
        "FRONTEND_HTTP_PORT": str(ports.pop()),
    }
    pairs = dict(zip(names, zip(ports[::2], ports[1::2], strict=True), strict=True))
    for name in SERVICES:
        env |= _ports(name, *pairs[name])
    program = [str(found("temporal-server")), "--allow-no-auth", "--root", str(FILES)]
    program += ["--config", ".", "--env", "postgresql", "start", "--service"]
    services = {
        name: Program(
            f"Temporal {name}",
            [*program, name.partition("-")[0]],
            env | _ports(name.partition("-")[0], *pairs[name]),
            home / f"temporal-{name}.log",
        )
        for name in names
    }
    return Server(f"{HOST}:{pairs['frontend'][0]}", services, shards)


def _ports(service: str, grpc: int, membership: int) -> dict[str, str]:
    name = service.upper()
    return {f"{name}_GRPC_PORT": str(grpc), f"{name}_MEMBERSHIP_PORT": str(membership)}


async def _ready(made: Server) -> None:
    """Wait until a namespace and Holdfast's search attributes are there."""
    deadline = time.monotonic() + _READY_S
    while True:
        with suppress(RuntimeError, RPCError):
            client = await Client.connect(made.address)
            await _namespace(client)
            await ensure_search_attributes(client)
            return
        if time.monotonic() > deadline:
            raise CommandError(f"Temporal did not serve {made.address!r} in {_READY_S:.0f} s")
        await asyncio.sleep(0.2)


async def _namespace(client: Client) -> None:
    ttl = Duration()
    ttl.FromTimedelta(_RETENTION)
    request = RegisterNamespaceRequest(
        namespace=_NAMESPACE, workflow_execution_retention_period=ttl
    )
    try:
        await client.workflow_service.register_namespace(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
