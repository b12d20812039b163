"""A bounded load: so many runs at a time, each followed by the next one, for a set time."""

import asyncio
import json
import random
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final
from uuid import uuid4

from temporalio.api.enums.v1 import EventType

from bench.cluster.rig import Cluster
from bench.drill.rig import Rig
from bench.scale.usage import Groups
from domain.run import AgentRequest

_SAMPLE: Final = 40  # runs whose histories say how long a turn took
_WARM_S: Final = 120.0
_LOOK_S: Final = 0.05
_THINK: Final = "llm.think"


@dataclass(frozen=True)
class Shape:
    """What each run does.

    Attributes:
        turns: Model calls of a run: all but the last one call a tool.
        at_once: Runs under way.
        latency_ms: Of the model.
    """

    turns: int
    at_once: int
    latency_ms: int = 0


@dataclass(frozen=True)
class Load:
    """What came of it.

    Attributes:
        runs: A second.
        turns: A second.
        turn_ms: Median of a turn: from one model call being scheduled to the next one.
        turn_p95_ms: Of the same.
        cores: Processor seconds a second, by group.
        commits: Transactions of PostgreSQL a turn; 0 where there is none.
        wal: Bytes of its log a turn.
        syncs: Of its log to the disk, a turn.
        failed: Runs that ended in another way than completed.
    """

    runs: float
    turns: float
    turn_ms: float
    turn_p95_ms: float
    cores: Mapping[str, float]
    commits: float
    wal: float
    syncs: float
    failed: int

    def cpu_ms(self, group: str) -> float:
        """Return the processor time of a turn."""
        return self.cores.get(group, 0) / self.turns * 1e3 if self.turns else float("nan")


async def load(rig: Rig, shape: Shape, seconds: float, seed: int) -> Load:
    """Load a rig, and measure once every lane has its first run behind it."""
    lanes = _Lanes(rig, shape, seed)
    async with asyncio.TaskGroup() as group:
        for lane in range(shape.at_once):
            group.create_task(lanes.follow(lane))
        await lanes.warm()
        groups, began = Groups.of(rig), time.monotonic()
        calls, written = (await rig.stats())["calls"], await _written(rig)
        cpu, done = groups.cpu_s(), len(lanes.done)
        await asyncio.sleep(seconds)
        took = time.monotonic() - began
        after, runs = groups.cpu_s(), len(lanes.done) - done
        turns = (await rig.stats())["calls"] - calls
        more = [now - before for now, before in zip(await _written(rig), written, strict=True)]
        lanes.over = True
    times = await _turn_times(rig, lanes.done[done : done + _SAMPLE])
    return Load(
        runs=runs / took,
        turns=turns / took,
        turn_ms=statistics.median(times) * 1e3,
        turn_p95_ms=statistics.quantiles(times, n=20)[-1] * 1e3,
        cores={name: (after[name] - cpu[name]) / took for name in cpu},
        commits=more[0] / max(turns, 1),
        wal=more[1] / max(turns, 1),
        syncs=more[2] / max(turns, 1),
        failed=lanes.failed,
    )


class _Lanes:
    """The runs of one load."""

    def __init__(self, rig: Rig, shape: Shape, seed: int) -> None:
        self._rig, self._shape, self._seed = rig, shape, seed
        self.over = False
        self.done: list[str] = []
        self.failed = 0
        self._behind: set[int] = set()

    async def follow(self, lane: int) -> None:
        """Start a run when the one before has ended, until it is over."""
        rng = random.Random(f"{self._seed}/{lane}")
        while not self.over:
            run_id = f"scale-{uuid4().hex[:12]}"
            result = await self._run(run_id, rng.randrange(500, 4_000))
            self.failed += result["outcome"] != "completed"
            self.done.append(run_id)
            self._behind.add(lane)

    async def warm(self) -> None:
        """Wait until each lane has ended a run.

        Raises:
            TimeoutError: One has not in two minutes.
        """
        async with asyncio.timeout(_WARM_S):
            while len(self._behind) < self._shape.at_once:
                await asyncio.sleep(_LOOK_S)

    async def _run(self, run_id: str, size: int) -> dict[str, Any]:
        shape = self._shape
        task = {"turns": shape.turns - 1, "result_bytes": size, "latency_ms": shape.latency_ms}
        return await self._rig.session.client.execute_workflow(
            "AgentWorkflow",
            AgentRequest(agent="bench", task=json.dumps(task)),
            id=run_id,
            task_queue=self._rig.stack.settings.task_queue,
        )


async def _written(rig: Rig) -> tuple[float, float, float]:
    """Return PostgreSQL's commits, bytes of log and syncs of it, since it began."""
    if not isinstance(rig, Cluster):
        return 0, 0, 0
    query = (
        "SELECT (SELECT sum(xact_commit) FROM pg_stat_database), wal_bytes, wal_sync"
        " FROM pg_stat_wal"
    )
    found = await rig.database.run("psql", "-Atc", query, "postgres")
    commits, size, syncs = found.split("|")
    return float(commits), float(size), float(syncs)


async def _turn_times(rig: Rig, runs: list[str]) -> list[float]:
    """Return the seconds between model calls of some runs."""
    found: list[float] = []
    for run_id in runs:
        history = await rig.handle(run_id).fetch_history()
        asked = [
            event.event_time.ToNanoseconds() / 1e9
            for event in history.events
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
            and event.activity_task_scheduled_event_attributes.activity_type.name == _THINK
        ]
        found += [late - early for early, late in pairwise(asked)]
    return found if len(found) > 1 else [float("nan")] * 2
