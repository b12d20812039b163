"""`python -m bench.parked`: a thousand runs wait for a person, and all of them go on.

The runs stand at the gate of an irreversible call. Some are answered one by one. The workers are
killed and started again, then all are approved in one burst: with `--cluster` on one of PostgreSQL,
several services and two workers, else on the embedded server with one.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import psutil
from rich.console import Console
from rich.table import Table
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from agents.drill.place import Place
from bench.cluster.programs import ending_in_order
from bench.cluster.rig import Cluster, cluster
from bench.drill.rig import Rig, rig
from domain.run import AgentRequest

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")

# More senders do not send faster: the server takes them one after the other.
_AT_ONCE: Final = 10
_LOOK_S: Final = 0.05
_PATIENCE_S: Final = 300.0
_EACH_S: Final = 0.3
_QUIET_S: Final = 10.0
_ONE_BY_ONE: Final = 20
_MOST_RSS: Final = 400 << 20
_FIRST_S: Final = 5.0


@dataclass(frozen=True)
class Figures:
    """What was seen.

    Attributes:
        answered: How many of them were approved.
        rss_idle: The largest worker's memory before the first run, in bytes.
        rss_parked: The same when all wait.
        rss_restarted: The same after the restart, before the burst.
        rss_end: The same when all have ended.
        parking_s: From the first start to the last question.
        idle_cores: Of the workers while all wait.
        one_s: Median from one approval to its run's end, nothing else being asked.
        serving_s: From the kill of the workers until all asked for work again.
        first_s: From the first approval of the burst to the first new model call.
        all_s: From there to the last run's end.
        completed: Runs that ended as completed.
        calls: Model calls of all runs; each has two, and one more for an attempt that was lost.
        twice: Calls that took effect more than once.
    """

    runs: int
    answered: int
    rss_idle: int
    rss_parked: int
    rss_restarted: int
    rss_end: int
    parking_s: float
    idle_cores: float
    one_s: float
    serving_s: float
    first_s: float
    all_s: float
    completed: int
    calls: int
    twice: int

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        return (
            self.completed == self.answered
            and not self.twice
            and self.rss_parked < _MOST_RSS
            and self.first_s <= _FIRST_S
        )


async def park(rig: Rig, runs: int, answers: int) -> Figures:
    """Park `runs` runs, kill the workers, approve `answers`, and see what becomes of them."""
    idle = _rss(rig)
    began = time.time()
    handles = await _start(rig, runs)
    await _until(rig, "AwaitingApproval = true", runs, _PATIENCE_S + runs * _EACH_S)
    parking = time.time() - began
    parked, cores = _rss(rig), await _cores(rig)
    one = [await _answered(handle) for handle in handles[: min(_ONE_BY_ONE, answers)]]
    killed = time.time()
    await rig.kill_worker()
    await rig.serving()
    serving, restarted = time.time() - killed, _rss(rig)
    before, rest = (await rig.stats())["calls"], handles[len(one) : answers]
    burst = time.time()
    first = asyncio.create_task(_first_call(rig, before))
    await _each(rest, lambda handle: handle.signal("approve", {"by": "the bench"}))
    await _until(rig, "ExecutionStatus != 'Running'", answers, _PATIENCE_S + answers * _EACH_S)
    ended = time.time()
    first.cancel()
    return Figures(
        runs=runs,
        answered=answers,
        rss_idle=idle,
        rss_parked=parked,
        rss_restarted=restarted,
        rss_end=_rss(rig),
        parking_s=parking,
        idle_cores=cores,
        one_s=statistics.median(one),
        serving_s=serving,
        first_s=(first.result() if first.done() and not first.cancelled() else ended) - burst,
        all_s=ended - burst,
        completed=await _completed(handles[:answers]),
        calls=(await rig.stats())["calls"],
        twice=_twice(rig),
    )


def _workers(rig: Rig) -> list[psutil.Process]:
    children = rig.workers if isinstance(rig, Cluster) else [rig.worker]
    return [psutil.Process(child.pid) for child in children]


def _rss(rig: Rig) -> int:
    return max(int(worker.memory_info().rss) for worker in _workers(rig))


async def _cores(rig: Rig) -> float:
    """Return what the workers use while nothing happens."""

    def spent() -> float:
        times = [worker.cpu_times() for worker in _workers(rig)]
        return sum(each.user + each.system for each in times)

    before = spent()
    await asyncio.sleep(_QUIET_S)
    return (spent() - before) / _QUIET_S


async def _answered(handle: WorkflowHandle[Any, Any]) -> float:
    """Approve one run, and return the seconds until it has ended."""
    began = time.monotonic()
    await handle.signal("approve", {"by": "the bench"})
    await handle.result()
    return time.monotonic() - began


async def _start(rig: Rig, runs: int) -> list[WorkflowHandle[Any, Any]]:
    place = Place.made(rig.home / "drill" / "parked")
    folder = str(place.path)
    client, queue = rig.session.client, rig.stack.settings.task_queue

    async def begin(number: int) -> WorkflowHandle[Any, Any]:
        task = {"drill": folder, "steps": [[["drill_wire", f"item{number}"]]]}
        request = AgentRequest(agent="drill", task=json.dumps(task), data={"drill": folder})
        return await client.start_workflow(
            "AgentWorkflow", request, id=f"parked-{number}", task_queue=queue
        )

    return await _each(range(runs), begin)


async def _each(items: Iterable[_Item], do: Callable[[_Item], Awaitable[_Made]]) -> list[_Made]:
    """Do something with each item, so many at once, and return what came of it."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(item: _Item) -> _Made:
        async with room:
            return await do(item)

    return await asyncio.gather(*(one(item) for item in items))


async def _until(rig: Rig, query: str, wanted: int, at_most_s: float) -> None:
    """Wait until so many runs fit `query`, or the time is over: what is missing will show."""
    deadline = time.monotonic() + at_most_s
    while time.monotonic() < deadline:
        found = await rig.session.client.count_workflows(query)
        if found.count >= wanted:
            return
        await asyncio.sleep(_LOOK_S)


async def _first_call(rig: Rig, before: int) -> float:
    """Return when the offline model is asked again."""
    while (await rig.stats())["calls"] <= before:
        await asyncio.sleep(_LOOK_S)
    return time.time()


async def _completed(handles: Sequence[WorkflowHandle[Any, Any]]) -> int:
    async def outcome(handle: WorkflowHandle[Any, Any]) -> bool:
        if (await handle.describe()).status is not WorkflowExecutionStatus.COMPLETED:
            return False
        return (await handle.result())["outcome"] == "completed"

    return sum(await _each(handles, outcome))


def _twice(rig: Rig) -> int:
    lines = Place(str(rig.home / "drill" / "parked")).lines()
    done = Counter(line["item"] for line in lines if line["what"] == "effect")
    return sum(count > 1 for count in done.values())


def show(console: Console, found: Figures) -> None:
    """Print the figures."""
    table = Table(title=f"{found.runs:,} runs wait for a person", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in (
        ("the largest worker's memory before", _mb(found.rss_idle)),
        ("while all wait", _mb(found.rss_parked)),
        ("restarted, before the burst", _mb(found.rss_restarted)),
        ("at the end", _mb(found.rss_end)),
        ("to park them all", f"{found.parking_s:.1f} s"),
        ("cores that the workers use while all wait", f"{found.idle_cores:.3f}"),
        ("one answered, until its run has ended", f"{found.one_s:.2f} s"),
        ("workers killed, until they ask for work", f"{found.serving_s:.1f} s"),
        ("first model call after the burst", f"{found.first_s:.1f} s"),
        ("all answered ended after", f"{found.all_s:.1f} s"),
        ("completed, of those answered", f"{found.completed:,} of {found.answered:,}"),
        ("model calls, two a run", f"{found.calls:,}"),
        ("effects twice", f"{found.twice:,}"),
    ):
        table.add_row(name, value)
    console.print(table)


def _mb(size: int) -> str:
    return f"{size / (1 << 20):.0f} MB"


async def _measure(home: Path, options: argparse.Namespace) -> Figures:
    answers = options.answers or options.runs
    if options.cluster:
        async with cluster(home, workers=options.workers, shards=options.shards) as running:
            return await park(running, options.runs, answers)
    async with ending_in_order(), rig(home) as running:
        return await park(running, options.runs, answers)


def main() -> None:
    """Parse the options and measure; the exit code is 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.parked", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--answers", type=int, default=0, help="how many are approved; 0 for all")
    parser.add_argument("--cluster", action="store_true", help="on PostgreSQL, as processes")
    parser.add_argument("--workers", type=int, default=2, help="of the cluster")
    parser.add_argument("--shards", type=int, default=8, help="of the cluster")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-parked-") as home:
        found = asyncio.run(_measure(Path(home), options))
    show(Console(width=100), found)
    sys.exit(0 if found.good else 1)


if __name__ == "__main__":
    main()
