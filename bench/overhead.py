"""What a turn costs, against the bare loop: wall time, worker CPU, events and bytes of history.

Both workers run side by side on one server with one offline model; the runs are interleaved and
the medians of the repetitions compared, since the machine's speed drifts.
"""

import asyncio
import json
import os
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import psutil
from rich.console import Console
from rich.table import Table
from temporalio.client import Client

from bench import bare
from commands.processes import Child
from commands.session import session
from commands.stack import Stack
from domain.run import AgentRequest
from runtime.settings import Settings, variable_of

KINDS: Final = ("bare", "holdfast")


@dataclass(frozen=True)
class Figure:
    """One run, a turn's share of it.

    Attributes:
        wall_ms: From start to result.
        cpu_ms: User and system time of the worker process.
        events: In the history.
        history_bytes: As the server counts them.
    """

    wall_ms: float
    cpu_ms: float
    events: float
    history_bytes: float


@dataclass
class Rig:
    """A running server, offline model (`offline`: its address), and both workers."""

    client: Client
    queue: str
    offline: str
    pids: dict[str, int]

    async def run(self, kind: str, turns: int, result_bytes: int) -> Figure:
        """Run `turns` turns and return what one of them took."""
        run_id = f"{kind}-{turns}-{uuid4().hex[:8]}"
        task = json.dumps({"turns": turns, "result_bytes": result_bytes, "latency_ms": 0})
        cpu, began = _cpu_s(self.pids[kind]), time.perf_counter()
        if kind == "bare":
            handle = await self.client.start_workflow(
                "BareLoop", task, id=run_id, task_queue=bare.QUEUE
            )
        else:
            handle = await self.client.start_workflow(
                "AgentWorkflow",
                AgentRequest(agent="bench", task=task),
                id=run_id,
                task_queue=self.queue,
            )
        await handle.result()
        wall = time.perf_counter() - began
        cpu = _cpu_s(self.pids[kind]) - cpu
        info = (await handle.describe()).raw_description.workflow_execution_info
        return Figure(
            wall / turns * 1e3,
            cpu / turns * 1e3,
            info.history_length / turns,
            info.history_size_bytes / turns,
        )


def _cpu_s(pid: int) -> float:
    spent = psutil.Process(pid).cpu_times()
    return spent.user + spent.system


@asynccontextmanager
async def rig(home: Path) -> AsyncGenerator[Rig]:
    """Start everything in `home`, and stop it at the end."""
    os.environ["HOLDFAST_HOME"] = str(home)
    settings = Settings.load()
    stack = Stack(settings, dict(os.environ), print)
    bare_worker: Child | None = None
    try:
        await stack.start()
        stack.env["TEMPORAL_ADDRESS"] = stack.address
        began = time.time()
        await stack.start_worker()
        async with session(settings) as opened:
            await stack.ready(opened, began)
            bare_worker = Child("bare worker", ["-m", "bench.bare"], stack.env, home / "bare.log")
            await bare_worker.start()
            ours = stack.worker.pid if stack.worker else 0
            pids = {"bare": bare_worker.pid, "holdfast": ours}
            offline = stack.env[variable_of("offline_url")]
            yield Rig(opened.client, settings.task_queue, offline, pids)
    finally:
        if bare_worker is not None:
            await bare_worker.stop()
        await stack.stop()


async def measure(
    home: Path, shapes: Sequence[tuple[int, int]], repetitions: int
) -> dict[tuple[str, int, int], list[Figure]]:
    """Return all figures, by kind, turns and result bytes."""
    found: dict[tuple[str, int, int], list[Figure]] = defaultdict(list)
    async with rig(home) as running:
        for kind in KINDS:
            await running.run(kind, 3, 2000)  # imports, connections, caches
        for repetition in range(repetitions):
            order = KINDS if repetition % 2 == 0 else KINDS[::-1]
            for turns, size in shapes:
                for kind in order:
                    found[kind, turns, size].append(await running.run(kind, turns, size))
    return found


def show(found: dict[tuple[str, int, int], list[Figure]]) -> None:
    """Print the medians, and ours against the bare loop's."""
    table = Table(title="one turn: medians (bare loop / Holdfast, ratio)")
    for name in ("turns x bytes", "wall ms", "ratio", "worker CPU ms", "ratio", "events", "bytes"):
        table.add_column(name, justify="right")
    shapes = list(dict.fromkeys((turns, size) for _, turns, size in found))
    for turns, size in shapes:
        theirs, ours = (_median(found[kind, turns, size]) for kind in KINDS)
        table.add_row(
            f"{turns} x {size}",
            f"{theirs.wall_ms:.1f} / {ours.wall_ms:.1f}",
            f"{ours.wall_ms / theirs.wall_ms:.2f}",
            f"{theirs.cpu_ms:.1f} / {ours.cpu_ms:.1f}",
            f"{ours.cpu_ms / theirs.cpu_ms:.2f}",
            f"{theirs.events:.1f} / {ours.events:.1f}",
            f"{theirs.history_bytes:,.0f} / {ours.history_bytes:,.0f}",
        )
    Console(width=110).print(table)


def _median(figures: Sequence[Figure]) -> Figure:
    return Figure(
        *(
            statistics.median(getattr(figure, name) for figure in figures)
            for name in Figure.__dataclass_fields__
        )
    )


def run(home: Path, shapes: Sequence[tuple[int, int]], repetitions: int) -> None:
    """Measure and print."""
    show(asyncio.run(measure(home, shapes, repetitions)))
