"""A server, an offline model and a worker of the drill's own, which it may kill.

The processes are the real ones with default settings; only the folder and the ports differ.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import WorkflowHandle

from bench.cluster.programs import free_ports
from commands.processes import Child
from commands.session import Session
from commands.stack import Stack
from runtime import devserver
from runtime.database import opened
from runtime.settings import Settings, variable_of
from runtime.temporal import connect

# A person's own settings must not decide what a drill measures, nor must their server serve it.
_OTHERS: Final = ("HOLDFAST_", "TEMPORAL_", "OPENAI_", "ANTHROPIC_", "OTEL_")
_SERVES_S: Final = 60.0
_KEPT: Final = ("TEMPORAL_CLI",)


@dataclass
class Rig:
    """The running processes.

    Attributes:
        home: Their folder.
        starts: Seconds from each kill of the worker until the next one asked for work.
    """

    home: Path
    stack: Stack
    session: Session
    http: httpx.AsyncClient
    starts: list[float] = field(default_factory=list[float])
    _starting: "asyncio.Task[None] | None" = None

    @property
    def worker(self) -> Child:
        """The worker's process."""
        if self.stack.worker is None:
            raise RuntimeError("the worker was never started; report this as a bug")
        return self.stack.worker

    def handle(self, run_id: str) -> WorkflowHandle[Any, Any]:
        """Return the handle of a run."""
        return self.session.handle(run_id)

    async def stats(self, lineage: str = "") -> dict[str, Any]:
        """Return what the offline model has counted, of everyone or of one logical run."""
        base = self.stack.env[variable_of("offline_url")]
        answer = await self.http.get(f"{base}/stats/{lineage}" if lineage else f"{base}/stats")
        return answer.raise_for_status().json()

    async def kill(self, target: str) -> float:
        """Kill the `worker` or the `server` and start it again; return when it was killed."""
        return await (self.kill_worker() if target == "worker" else self.kill_server())

    async def kill_worker(self) -> float:
        """Kill the worker and start it again at once, as a supervisor would; return when."""
        killed = time.time()
        await self.worker.kill()
        await self.worker.start()
        self._starting = asyncio.create_task(self._time_start(killed))
        return killed

    async def _time_start(self, since: float) -> None:
        await self.serving()
        self.starts.append(time.time() - since)

    async def kill_server(self) -> float:
        """Kill the server and start it again on the same file and port; return when."""
        server = devserver.find(self.stack.settings)
        if server is None:
            raise RuntimeError("the drill's server is gone before it was killed")
        killed = time.time()
        os.kill(server.pid, signal.SIGKILL)
        while server.is_alive():
            await asyncio.sleep(0.01)
        again = await devserver.start(self.stack.settings)
        if again.address != self.stack.address:
            raise RuntimeError(f"the server came back at {again.address}, its port was taken")
        return killed

    async def serving(self) -> None:
        """Wait until the worker that runs now asks for work; one before it does not count."""
        mine = f"{self.worker.pid}@"
        deadline = time.monotonic() + _SERVES_S
        while not any(poller.startswith(mine) for poller in await self.pollers()):
            if not self.worker.alive:
                raise await self.worker.failure()
            if time.monotonic() > deadline:
                raise TimeoutError(f"the worker did not serve in {_SERVES_S:.0f} s")
            await asyncio.sleep(0.02)

    async def pollers(self) -> list[str]:
        """Return the identities of the workers that ask for workflow tasks."""
        request = DescribeTaskQueueRequest(
            namespace=self.session.client.namespace,
            task_queue=TaskQueue(name=self.stack.settings.task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        answer = await self.session.client.workflow_service.describe_task_queue(request)
        return [poller.identity for poller in answer.pollers]


@asynccontextmanager
async def rig(home: Path, more: Mapping[str, str] | None = None) -> AsyncGenerator[Rig]:
    """Start everything in `home`, and stop it at the end; `more` is for the worker."""
    keys = (more or {}).get(variable_of("encryption_keys"))
    server_port, ui_port = free_ports(2)
    settings = Settings(
        home=home,
        metrics_port=0,
        # Its own: two rigs that start together would both find the usual one free.
        server_port=server_port,
        ui_port=ui_port,
        temporal_cli=os.environ.get("TEMPORAL_CLI"),
        encryption_keys=Path(keys) if keys else None,
    )
    with Environment(home):
        stack = Stack(settings, {**os.environ, **(more or {})}, print)
        try:
            await stack.start()
            port = int(stack.address.rpartition(":")[2])
            stack.settings = settings.model_copy(update={"server_port": port})
            stack.env["TEMPORAL_ADDRESS"] = stack.address
            await stack.start_worker()
            async with opened(settings) as database, _http() as http:
                client = await connect(stack.settings, database)
                running = Rig(home, stack, Session(stack.settings, database, client), http)
                await running.serving()
                yield running
        finally:
            await stack.stop()


def _http() -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, timeout=30)


class Environment:
    """The environment of this process and its children, for the time of a drill."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._before: Mapping[str, str] = {}

    def __enter__(self) -> None:
        self._before = dict(os.environ)
        for name in self._before:
            if name.startswith(_OTHERS) and name not in _KEPT:
                del os.environ[name]
        # Without bytecode a worker compiles every module at each start, which no deployment does.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ |= {"HOLDFAST_HOME": str(self._home), "HOLDFAST_METRICS_PORT": "0"}

    def __exit__(self, *_: object) -> None:
        with suppress(KeyError):
            os.environ.clear()
        os.environ.update(self._before)
