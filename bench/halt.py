"""`python -m bench.halt`: fifty running agents are halted, and all of them go on afterwards.

The runs call a slow model, read and write. `halt all` is typed while they are in mid-turn; then
the workers and the server are killed and started again; then `unhalt all` is typed.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from agents.drill.place import Place
from bench.drill.rig import Rig, rig
from commands.processes import Child
from domain.run import AgentRequest
from runtime.halts import Halts
from runtime.settings import variable_of

# A turn takes its time, so that `halt all`, which takes seconds to start, lands in mid-run.
_LATENCY_MS: Final = 2_000
_LOOK_S: Final = 0.1
_TURNS_BEFORE: Final = 3
_PATIENCE_S: Final = 300.0
_QUIET_S: Final = 5.0  # how long is watched that nothing happens
_UNDER_WAY: Final = "ExecutionStatus = 'Running'"


@dataclass(frozen=True)
class Figures:
    """What was seen.

    Attributes:
        before: Model calls until the halt was written.
        late_s: The last arrival of a model call after the halt was written; 0 for none after it.
        after: Model calls and tool calls that began after `halt all` had returned.
        most_turns: Model calls that one run began after the halt was written, at most.
        stopped_s: From there until the last run stood still.
        restarted: Model calls and tool calls after workers and server were killed, still halted.
        waited: Runs that were started while halted, and waited.
        first_s: From `unhalt all` to the first model call.
        completed: Runs that ended as completed.
        calls: Model calls of all runs; without a kill in mid-call each was made once.
        twice: Model requests that were sent again after they had been answered.
        effects: Writes, and of those made twice.
    """

    runs: int
    turns: int
    before: int
    late_s: float
    after: int
    most_turns: int
    stopped_s: float
    restarted: int
    waited: int
    first_s: float
    all_s: float
    completed: int
    calls: int
    twice: int
    effects: int
    effects_twice: int

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        everyone = self.runs + self.waited
        return (
            self.most_turns <= 1
            and not (self.after or self.restarted or self.twice or self.effects_twice)
            and self.waited == 1
            and self.completed == everyone
            and self.calls == everyone * (self.turns + 1)
            and self.effects == everyone * self.turns
        )


@dataclass
class Scene:
    """The running processes and the runs."""

    rig: Rig
    workers: list[Child]
    turns: int
    names: list[str]

    async def start(self, number: int) -> WorkflowHandle[Any, Any]:
        """Start a run that looks and charges in each turn."""
        name = f"halt-{number}"
        place = Place.made(self.rig.home / "drill" / name)
        steps = [
            [["drill_look", f"a{turn}"], ["drill_charge", f"b{turn}"]] for turn in range(self.turns)
        ]
        request = AgentRequest(
            agent="drill",
            task=json.dumps({"drill": str(place.path), "steps": steps}),
            data={"drill": str(place.path)},
            lineage=name,
        )
        self.names.append(name)
        queue = self.rig.stack.settings.task_queue
        return await self.rig.session.client.start_workflow(
            "AgentWorkflow", request, id=name, task_queue=queue
        )

    async def asked(self) -> dict[str, list[float]]:
        """Return when each run's model calls arrived, by run."""
        found = await asyncio.gather(*(self.rig.stats(name) for name in self.names))
        return {
            name: [call["at"] for call in stats["list"]]
            for name, stats in zip(self.names, found, strict=True)
        }

    def begun(self) -> list[float]:
        """Return when each tool call began."""
        return [line["at"] for line in self._lines() if line["what"] == "begin"]

    def effects(self) -> Counter[str]:
        """Return how often each write took effect."""
        return Counter(line["key"] for line in self._lines() if line["what"] == "effect")

    def _lines(self) -> list[dict[str, Any]]:
        places = (Place(str(self.rig.home / "drill" / name)) for name in self.names)
        return [line for place in places for line in place.lines()]

    async def count(self, query: str) -> int:
        """Return how many runs fit a query."""
        return (await self.rig.session.client.count_workflows(query)).count

    async def until(self, query: str, wanted: int) -> float:
        """Wait until so many runs fit, and return when; what is missing will show."""
        deadline = time.monotonic() + _PATIENCE_S
        while await self.count(query) < wanted and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_S)
        return time.time()

    async def kill(self) -> None:
        """Kill the workers and the server, and start them again."""
        for worker in self.workers:
            await worker.kill()
        await self.rig.kill_server()
        for worker in self.workers:
            await worker.start()
        await self.rig.serving()

    async def type(self, *command: str) -> float:
        """Type a command of `starter.py`, and return when it had returned."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "starter.py", *command, env=self.rig.stack.env,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"starter.py {' '.join(command)}: {said.decode()}")
        return time.time()


async def measure(scene: Scene, runs: int) -> Figures:
    """Halt `runs` running agents, strike, lift the halt, and see them through."""
    rig = scene.rig
    handles = await asyncio.gather(*(scene.start(number) for number in range(runs)))
    await _in_the_middle(scene)
    returned = await scene.type("halt", "all", "--reason", "the bench", "--json")
    if await scene.count(_UNDER_WAY) < runs:
        raise RuntimeError("runs had ended before they were halted: give them more --turns")
    stopped = await scene.until(f"{_UNDER_WAY} AND AgentState = 'STOPPED'", runs)
    (halt,) = await Halts(rig.session.database).list()
    written = halt.at.timestamp()
    late = {
        name: [at - written for at in ats if at > written]
        for name, ats in (await scene.asked()).items()
    }
    await asyncio.sleep(_QUIET_S)
    calls, tools = await _counted(scene)
    after = sum(at > returned for ats in (await scene.asked()).values() for at in ats)
    after += sum(at > returned for at in scene.begun())

    await scene.kill()
    handles = [*handles, await scene.start(runs)]
    still = f"{_UNDER_WAY} AND AgentState = 'STOPPED'"
    await scene.until(still, runs + 1)
    await asyncio.sleep(_QUIET_S)
    waited = await scene.count(still) - runs
    restarted = sum(await _counted(scene)) - calls - tools

    lifted = time.time()
    first = asyncio.create_task(_first(scene, calls))
    await scene.type("unhalt", "all", "--reason", "the bench", "--json")
    ended = await scene.until("ExecutionStatus != 'Running'", runs + 1)
    effects = scene.effects()
    return Figures(
        runs=runs,
        turns=scene.turns,
        before=calls - sum(map(len, late.values())),
        late_s=max((at for ats in late.values() for at in ats), default=0),
        after=after,
        most_turns=max(map(len, late.values())),
        stopped_s=stopped - written,
        restarted=restarted,
        waited=waited,
        first_s=await first - lifted,
        all_s=ended - lifted,
        completed=await _completed(handles),
        calls=(await _counted(scene))[0],
        twice=(await rig.stats())["repeated"],
        effects=len(effects),
        effects_twice=sum(count > 1 for count in effects.values()),
    )


async def _in_the_middle(scene: Scene) -> None:
    """Wait until every run has thought a few times and none can be near its end."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        made = [len(ats) for ats in (await scene.asked()).values()]
        if min(made) >= _TURNS_BEFORE:
            return
        await asyncio.sleep(_LOOK_S)
    raise TimeoutError(f"not every run has made {_TURNS_BEFORE} model calls")


async def _counted(scene: Scene) -> tuple[int, int]:
    """Return how many model calls there were, and how many tool calls began."""
    return (await scene.rig.stats())["calls"], len(scene.begun())


async def _first(scene: Scene, calls: int) -> float:
    deadline = time.monotonic() + _PATIENCE_S
    while (await scene.rig.stats())["calls"] <= calls and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    return time.time()


async def _completed(handles: Sequence[WorkflowHandle[Any, Any]]) -> int:
    found = 0
    for handle in handles:
        if (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED:
            found += (await handle.result())["outcome"] == "completed"
    return found


def show(console: Console, found: Figures) -> None:
    """Print the figures."""
    title = f"{found.runs} running agents, {found.turns} turns each, are halted"
    table = Table(title=title, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in (
        ("model calls before the halt was written", f"{found.before:,}"),
        ("model calls a run began after that, at most", f"{found.most_turns}"),
        ("the last of them began after", f"{found.late_s * 1000:.0f} ms"),
        ("model and tool calls begun after `halt all` had returned", f"{found.after}"),
        ("all runs stood still after", f"{found.stopped_s:.1f} s"),
        ("calls after workers and server were killed, still halted", f"{found.restarted}"),
        ("a run started while halted", "waits" if found.waited else "does not wait"),
        ("first model call after `unhalt all` was typed", f"{found.first_s:.1f} s"),
        ("all had ended after", f"{found.all_s:.1f} s"),
        ("completed", f"{found.completed} of {found.runs + found.waited}"),
        ("model calls, one more a run than turns", f"{found.calls:,}"),
        ("model requests sent again", f"{found.twice}"),
        ("writes", f"{found.effects:,}"),
        ("writes made twice", f"{found.effects_twice}"),
    ):
        table.add_row(name, value)
    console.print(table)


async def _measure(home: Path, runs: int, turns: int, workers: int) -> Figures:
    async with rig(home) as running:
        base = running.stack.env[variable_of("offline_url")]
        slow = {"rules": [{"kind": "latency", "ms": _LATENCY_MS}]}
        (await running.http.post(f"{base}/misbehave", json=slow)).raise_for_status()
        more = [_worker(running, number) for number in range(1, workers)]
        try:
            for worker in more:
                await worker.start()
            scene = Scene(running, [running.worker, *more], turns, [])
            return await measure(scene, runs)
        finally:
            for worker in more:
                await worker.stop()


def _worker(running: Rig, number: int) -> Child:
    log = running.home / f"worker-{number}.log"
    return Child(f"worker {number}", ["worker.py"], running.stack.env, log, grace_s=30)


def main() -> None:
    """Parse the options and measure; the exit code is 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.halt", description=__doc__)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-halt-") as home:
        found = asyncio.run(_measure(Path(home), options.runs, options.turns, options.workers))
    show(Console(width=100), found)
    sys.exit(0 if found.good else 1)


if __name__ == "__main__":
    main()
