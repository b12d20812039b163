"""Holdfast on a cluster: several workers, Temporal and Holdfast's database on one PostgreSQL."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError

from bench.cluster.postgres import Postgres, postgres
from bench.cluster.programs import Program, ending_in_order, struck
from bench.cluster.server import Server, server
from bench.drill.rig import Environment, Rig
from commands.session import Session
from commands.stack import Stack
from runtime.database import opened
from runtime.settings import Settings, variable_of
from runtime.temporal import connect

DATABASE: Final = "holdfast"
_SERVES_S: Final = 120.0
_LOOK_S: Final = 0.05
_GRACE_S: Final = 40.0


@dataclass
class Cluster(Rig):
    """The running processes, each of which can be killed.

    Attributes:
        outage_s: How long the database stays away after it was killed.
        struck: Workers that the latest kill has hit, by process id.
        kills: How many single workers were killed.
    """

    database: Postgres = field(kw_only=True)
    server: Server = field(kw_only=True)
    workers: list[Program] = field(kw_only=True)
    outage_s: float = 3.0
    struck: frozenset[int] = frozenset()
    kills: int = 0

    def targets(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return what can be killed, by name."""
        return {
            "worker": lambda: self._workers(self._next()),
            "workers": lambda: self._workers(*self.workers),
            "history": lambda: struck(*self.server.named("history")),
            "matching": lambda: struck(*self.server.named("matching")),
            "frontend": lambda: struck(*self.server.named("frontend")),
            "server": lambda: struck(*self.server.named()),
            "database": self._outage,
            "database+history": lambda: self._outage(*self.server.named("history")),
            "all": lambda: self._outage(*self.workers, *self.server.named()),
        }

    @property
    def worker(self) -> Program:
        """The first worker."""
        return self.workers[0]

    async def kill_worker(self) -> float:
        """Kill every worker, and return when."""
        return await self.kill("workers")

    async def kill(self, target: str) -> float:
        """Kill `target` and start it again; return when it was killed, once it is started."""
        killed = time.time()
        self.struck = frozenset()
        await self.targets()[target]()
        self._starting = asyncio.create_task(self._time_start(killed))
        return killed

    async def serving(self) -> None:
        """Wait until every worker asks for work."""
        async with asyncio.timeout(_SERVES_S):
            while not await self._all_poll():
                await asyncio.sleep(_LOOK_S)

    async def _all_poll(self) -> bool:
        try:
            polling = await self.pollers()
        except RPCError:
            return False
        wanted = [f"{worker.pid}@" for worker in self.workers]
        return all(any(name.startswith(pid) for name in polling) for pid in wanted)

    def _next(self) -> Program:
        """Return the workers in turn."""
        self.kills += 1
        return self.workers[self.kills % len(self.workers)]

    async def _workers(self, *workers: Program) -> None:
        self.struck = frozenset(worker.pid for worker in workers)
        await struck(*workers)

    async def _outage(self, *others: Program) -> None:
        """Kill the database, and others at the same moment."""
        mine = {worker.pid for worker in self.workers if worker in others}
        self.struck = frozenset(mine)
        doomed = self.database.strike()
        for program in others:
            program.strike()
        await self.database.again(doomed, self.outage_s)


@asynccontextmanager
async def cluster(
    home: Path, *, workers: int = 2, shards: int = 8, histories: int = 1, outage_s: float = 3.0
) -> AsyncGenerator[Cluster]:
    """Start a cluster with its logs in `home`, and leave nothing of it behind."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(ending_in_order())
        database = await stack.enter_async_context(postgres())
        running = await stack.enter_async_context(
            server(home, database, shards=shards, histories=histories)
        )
        await database.create(DATABASE)
        stack.enter_context(Environment(home))
        os.environ["TEMPORAL_ADDRESS"] = running.address
        os.environ[variable_of("database_url")] = database.url(DATABASE)
        made = await stack.enter_async_context(_holdfast(home, database, running, workers))
        made.outage_s = outage_s
        yield made


@asynccontextmanager
async def _holdfast(
    home: Path, database: Postgres, running: Server, workers: int
) -> AsyncGenerator[Cluster]:
    """Start the offline model and the workers."""
    settings = Settings.load()
    stack = Stack(settings, dict(os.environ), print)
    started: list[Program] = []
    try:
        await stack.start()
        for number in range(1, workers + 1):
            started.append(worker(home, stack, number))
            await started[-1].keep()
        async with (
            opened(settings) as own,
            httpx.AsyncClient(trust_env=False, timeout=30) as http,
        ):
            # What is killed on purpose need not be warned of.
            quiet = Runtime(telemetry=TelemetryConfig(logging=None))
            session = Session(settings, own, await connect(settings, own, runtime=quiet))
            made = Cluster(
                home, stack, session, http, database=database, server=running, workers=started
            )
            await made.serving()
            yield made
    finally:
        await asyncio.gather(*(program.stop() for program in started))
        await stack.stop()


def worker(home: Path, stack: Stack, number: int) -> Program:
    """Return a worker that is not yet started."""
    log = home / f"worker-{number}.log"
    argv = [sys.executable, "worker.py"]
    return Program(f"worker {number}", argv, stack.env, log, grace_s=_GRACE_S)
