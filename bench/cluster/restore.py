"""`python -m bench.cluster.restore`: an older backup of Holdfast's database under newer histories.

Runs end, wait and are under way while the database is dumped; others begin after that. Then the
database is lost and the dump restored, Temporal's histories being as new as ever, and everything
that waits is approved.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

from agents.drill.place import Place
from bench.cluster.rig import DATABASE, Cluster, cluster
from bench.drill.strike import STATE
from bench.drill.verdict import twice
from domain.run import AgentRequest
from runtime.runs import Runs
from runtime.settings import PROJECT

# Its JSON, quotes escaped twice, is above what a history holds itself; the task is below its limit.
_LARGE: Final = '"' * 70_000
_GROUPS: Final = ("ended before", "waiting before", "under way", "ended after", "waiting after")
_COLUMNS: Final = (
    "runs",
    "completed",
    "stuck",
    "summary kept",
    "written again",
    "named",
    "effects twice",
    "bought twice",
)
_PATIENCE_S: Final = 300.0
_LOOK_S: Final = 0.2
_STUCK_S: Final = 20.0
_Handle = WorkflowHandle[Any, Any]


@dataclass(frozen=True)
class Group:
    """What became of some runs.

    Attributes:
        completed: Of them.
        stuck: Still open, whatever they were told.
        kept: Summaries in the database.
        written: Summaries that `starter.py recover` wrote again.
        named: Runs that it named, since they refer to what is not there.
        twice: Things that took effect more than once.
        again: Replies that were bought twice.
    """

    runs: int
    completed: int
    stuck: int
    kept: int
    written: int
    named: int
    twice: int
    again: int


class _Trial:
    """The runs of one trial."""

    def __init__(self, running: Cluster, each: int) -> None:
        self._running, self._each = running, each
        self._place = Place.made(running.home / "drill" / "restore")
        self.runs: dict[str, list[_Handle]] = {}

    async def start(
        self, group: str, tool: str, *, large: bool = False, hold: bool = False
    ) -> None:
        """Start a group: each run pays, then calls `tool`."""
        folder, client = str(self._place.path), self._running.session.client
        self.runs[group] = []
        for number in range(self._each):
            item = f"{group} {number}"
            steps = [[["drill_pay", f"{item} first"]], [[tool, item]]]
            task = {"drill": folder, "steps": steps} | ({"pad": _LARGE} if large else {})
            if hold:
                self._place.hold(item)
            self.runs[group].append(
                await client.start_workflow(
                    "AgentWorkflow",
                    AgentRequest(agent="drill", task=json.dumps(task), data={"drill": folder}),
                    id=f"restore-{group.replace(' ', '-')}-{number}",
                    task_queue=self._running.stack.settings.task_queue,
                )
            )

    def release(self) -> None:
        """Let what is held go on."""
        self._place.release()

    async def until(self, group: str, state: str) -> None:
        """Wait until a group waits for a person, or has ended.

        Raises:
            TimeoutError: It does not.
        """
        async with asyncio.timeout(_PATIENCE_S):
            while not all([await self._is(handle, state) for handle in self.runs[group]]):
                await asyncio.sleep(_LOOK_S)

    async def approve(self, *groups: str) -> None:
        """Approve what waits."""
        for group in groups:
            for handle in self.runs[group]:
                await handle.signal("approve", {"by": "the bench"})

    async def became(self, group: str, told: dict[str, Any]) -> Group:
        """Say what became of a group; `told` is what `recover` printed."""
        handles, kept = self.runs[group], Runs(self._running.session.database)
        log = [line for line in self._place.lines() if str(line.get("item")).startswith(group)]
        completed = sum([await self._is(handle, "COMPLETE") for handle in handles])
        ids = {handle.id for handle in handles}
        written = ids & set(told["summaries"])
        stats = [await self._running.stats(handle.id) for handle in handles]
        return Group(
            runs=len(handles),
            completed=completed,
            stuck=len(handles) - completed,
            kept=sum([await kept.get(handle.id) is not None for handle in handles]) - len(written),
            written=len(written),
            named=len({run["run_id"] for run in told["lacking"]} & ids),
            twice=twice(log),
            again=sum(stat["repeated"] for stat in stats),
        )

    async def _is(self, handle: _Handle, state: str) -> bool:
        """Whether a run has ended (`COMPLETE`), or waits for a person (`WAITS`)."""
        try:
            found = await handle.describe()
        except RPCError:
            return False
        ended = found.status is not WorkflowExecutionStatus.RUNNING
        if state == "COMPLETE":
            return ended
        return not ended and found.typed_search_attributes.get(STATE) == "PENDING_APPROVAL"


async def trial(running: Cluster, each: int, dump: Path) -> dict[str, Group]:
    """Back up in the middle, lose the database, restore, and see to the end."""
    runs = _Trial(running, each)
    await runs.start("ended before", "drill_pay")
    await runs.start("waiting before", "drill_wire", large=True)
    await runs.until("ended before", "COMPLETE")
    await runs.until("waiting before", "WAITS")
    await runs.start("under way", "drill_transfer", hold=True)
    await asyncio.sleep(1)
    await running.database.run("pg_dump", "-Fc", "-f", str(dump), DATABASE)
    await runs.start("ended after", "drill_pay")
    await runs.start("waiting after", "drill_wire", large=True)
    await runs.until("ended after", "COMPLETE")
    await runs.until("waiting after", "WAITS")
    await _lost_and_restored(running, dump)
    runs.release()
    await runs.approve("waiting before", "waiting after")
    await runs.until("under way", "COMPLETE")
    await runs.until("waiting before", "COMPLETE")
    await asyncio.sleep(_STUCK_S)
    told = await _recovered(running)
    return {group: await runs.became(group, told) for group in _GROUPS}


async def _recovered(running: Cluster) -> dict[str, Any]:
    """Run the command as an operator would, and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "starter.py",
        "recover",
        "--json",
        cwd=PROJECT,
        env=dict(running.stack.env),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    return json.loads(said)


async def _lost_and_restored(running: Cluster, dump: Path) -> None:
    """Stop the workers, lose Holdfast's database, restore the dump, start the workers."""
    await asyncio.gather(*(worker.stop() for worker in running.workers))
    database = running.database
    await database.run("dropdb", "--force", DATABASE)
    await database.run("createdb", DATABASE)
    await database.run("pg_restore", "-d", DATABASE, str(dump))
    await asyncio.gather(*(worker.keep() for worker in running.workers))
    await running.serving()


def show(console: Console, found: dict[str, Group]) -> None:
    """Print what became of the runs."""
    table = Table(title="An older backup of Holdfast's database under newer histories")
    table.add_column("at the backup")
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for name, group in found.items():
        counts = (group.runs, group.completed, group.stuck, group.kept)
        counts += (group.written, group.named, group.twice, group.again)
        table.add_row(name, *map(str, counts))
    console.print(table)


def _good(found: dict[str, Group]) -> bool:
    whole = [found[name] for name in _GROUPS if name != "waiting after"]
    doubled = Counter({name: group.twice for name, group in found.items()})
    return all(group.completed == group.runs for group in whole) and not doubled.total()


async def _measure(home: Path, each: int) -> dict[str, Group]:
    async with cluster(home) as running:
        # The database's own user writes it.
        return await trial(running, each, running.database.folder / "holdfast.dump")


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the options and try; the exit code is 1 where a run was lost, or an effect doubled."""
    parser = argparse.ArgumentParser(prog="python -m bench.cluster.restore", description=__doc__)
    parser.add_argument("--each", type=int, default=5, help="runs of each kind")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="holdfast-restore-") as home:
        found = asyncio.run(_measure(Path(home), options.each))
    show(Console(width=110), found)
    sys.exit(0 if _good(found) else 1)


if __name__ == "__main__":
    main()
