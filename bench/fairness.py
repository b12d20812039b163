"""`python -m bench.fairness`: a tenant with ten calls beside one with a thousand waiting.

A real server and real workers. The queue of the shared route has one worker with few slots, and
the offline model takes its time over each call. The small tenant is measured alone, before and
after, and beside the large one; then once more at a server without fairness.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from unittest.mock import patch
from uuid import uuid4

from rich.console import Console
from rich.table import Table
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

from bench.drill.rig import Rig, rig
from commands.processes import Child
from domain.run import AgentRequest
from runtime.settings import variable_of

QUEUE: Final = "llm.openai"
_AT_ONCE: Final = 20
_PATIENCE_S: Final = 600.0
_LOOK_S: Final = 0.2


@dataclass(frozen=True)
class Figures:
    """What was seen, in seconds from the small tenant's first start to its last answer.

    Attributes:
        alone: Nobody else's calls wait.
        beside: The large tenant's calls wait.
        waiting: Calls of the large tenant that waited when the small one began, at least.
    """

    alone: list[float]
    beside: list[float]
    waiting: int

    @property
    def ratio(self) -> float:
        """How much longer it takes beside the other."""
        return statistics.median(self.beside) / statistics.median(self.alone)

    @property
    def good(self) -> bool:
        """Whether the delay is at most twice the time alone."""
        return self.ratio - 1 <= 2  # noqa: PLR2004 - as promised


class Crowd:
    """Tenants' runs, each of one model call on the shared queue."""

    def __init__(self, running: Rig) -> None:
        self._rig = running
        self._client = running.session.client

    async def start(self, tenant: str, count: int) -> list[str]:
        """Start so many runs of a tenant; return their ids."""
        room = asyncio.Semaphore(_AT_ONCE)

        async def one() -> str:
            name = f"{tenant}-{uuid4().hex}"
            request = AgentRequest(agent="bench_shared", task="go", tenant=tenant)
            async with room:
                await self._client.start_workflow(
                    "AgentWorkflow", request, id=name,
                    task_queue=self._rig.stack.settings.task_queue,
                )  # fmt: skip
            return name

        return await asyncio.gather(*(one() for _ in range(count)))

    async def timed(self, calls: int) -> float:
        """Return how long the small tenant's calls take."""
        began = time.monotonic()
        names = await self.start("small", calls)
        await asyncio.gather(*(self._rig.handle(name).result() for name in names))
        return time.monotonic() - began

    async def waiting(self) -> int:
        """Return how many calls wait in the queue."""
        answer = await self._client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self._client.namespace,
                task_queue=TaskQueue(name=QUEUE),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
                report_stats=True,
            )
        )
        return int(answer.stats.approximate_backlog_count)

    async def served(self, calls: int) -> None:
        """Wait until fewer than so many calls wait: a worker takes seconds to start."""
        while await self.waiting() >= calls:
            await asyncio.sleep(_LOOK_S)

    async def load(self, calls: int) -> list[str]:
        """Have so many calls of the large tenant wait; return their runs."""
        names = await self.start("large", calls)
        deadline = time.monotonic() + _PATIENCE_S
        while await self.waiting() < calls:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{await self.waiting()} of {calls} calls wait")
            await asyncio.sleep(_LOOK_S)
        return names

    async def end(self, names: list[str]) -> None:
        """End runs, and wait until none of their calls is left."""
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(name: str) -> None:
            async with room:
                await self._rig.handle(name).terminate()

        await asyncio.gather(*(one(name) for name in names), return_exceptions=True)
        while await self.waiting() > 0:
            await asyncio.sleep(_LOOK_S)


@dataclass(frozen=True)
class Shape:
    """What is measured."""

    large: int
    small: int
    slots: int
    ms: float
    rounds: int


async def _fair(home: Path, shape: Shape) -> Figures:
    async with rig(home) as running, _served(running, shape) as worker:
        crowd = Crowd(running)
        await crowd.timed(shape.small)  # what is done the first time is not what is measured
        alone = [await crowd.timed(shape.small) for _ in range(shape.rounds)]
        await worker.stop()
        names = await crowd.load(shape.large)
        await worker.start()
        await crowd.served(shape.large)
        beside: list[float] = []
        waiting = shape.large
        for _ in range(shape.rounds):
            waiting = min(waiting, await crowd.waiting())
            beside.append(await crowd.timed(shape.small))
        await crowd.end(names)
        alone += [await crowd.timed(shape.small) for _ in range(shape.rounds)]
    return Figures(alone, beside, waiting)


async def _unfair(home: Path, shape: Shape) -> float:
    """Measure the small tenant beside the large one at a server without fairness, once."""
    with patch("runtime.devserver.fairness", return_value=()):
        async with rig(home) as running, _served(running, shape) as worker:
            crowd = Crowd(running)
            await crowd.timed(shape.small)
            await worker.stop()
            await crowd.load(shape.large)
            await worker.start()
            await crowd.served(shape.large)
            return await crowd.timed(shape.small)


@asynccontextmanager
async def _served(running: Rig, shape: Shape) -> AsyncGenerator[Child]:
    """Serve the shared queue with so many slots."""
    base = running.stack.env[variable_of("offline_url")]
    slow = {"rules": [{"kind": "latency", "ms": shape.ms}]}
    (await running.http.post(f"{base}/misbehave", json=slow)).raise_for_status()
    env = running.stack.env | {variable_of("worker_concurrency"): str(shape.slots)}
    argv = ["worker.py", "--queues", QUEUE]
    worker = Child("models", argv, env, running.home / "models.log", grace_s=30)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


def show(console: Console, found: Figures, shape: Shape) -> None:
    """Print the figures."""
    table = Table(
        title=f"a tenant with {shape.small} calls beside one with {shape.large:,} waiting",
        show_header=False,
    )
    table.add_column()
    table.add_column(justify="right")
    rows = {
        "slots of the shared queue, each call": f"{shape.slots}, {shape.ms:.0f} ms",
        "alone, median": f"{statistics.median(found.alone):.2f} s",
        "beside the other, median": f"{statistics.median(found.beside):.2f} s",
        "all measurements alone": _all(found.alone),
        "all measurements beside": _all(found.beside),
        "calls of the other that waited, at least": f"{found.waiting:,}",
        "as long as alone": f"{found.ratio:.2f} times",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)


def _all(seconds: list[float]) -> str:
    return ", ".join(f"{each:.2f}" for each in seconds) + " s"


def main() -> None:
    """Parse the options and measure; the exit code is 1 where the promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.fairness", description=__doc__)
    parser.add_argument("--large", type=int, default=1_000, help="calls that wait")
    parser.add_argument("--small", type=int, default=10)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--ms", type=float, default=200, help="of each model call")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-comparison", action="store_true", help="only with fairness")
    given = parser.parse_args()
    shape = Shape(given.large, given.small, given.slots, given.ms, given.rounds)
    console = Console(width=100)
    with tempfile.TemporaryDirectory(prefix="holdfast-fairness-") as home:
        found = asyncio.run(_fair(Path(home) / "fair", shape))
        show(console, found, shape)
        if not given.no_comparison:
            took = asyncio.run(_unfair(Path(home) / "unfair", shape))
            console.print(f"without fairness: {took:.1f} s")
    sys.exit(0 if found.good else 1)


if __name__ == "__main__":
    main()
