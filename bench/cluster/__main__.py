"""`python -m bench.cluster`: the drill on a cluster, whose database is killed too.

Two workers, Temporal's four services and one PostgreSQL for both databases, each a process of its
own. Every kill strikes a run at each of the drill's moments.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.cluster.rig import Cluster, cluster
from bench.drill import tables
from bench.drill.plans import MOMENTS, plan
from bench.drill.strike import Struck, strike
from bench.drill.verdict import Verdict, judge
from commands import history

KINDS: Final = (
    "worker",
    "workers",
    "frontend",
    "history",
    "matching",
    "server",
    "database",
    "database+history",
    "all",
)


async def _drill(options: argparse.Namespace, home: Path, console: Console) -> bool:
    found: dict[str, list[Verdict]] = {}
    async with cluster(
        home,
        workers=options.workers,
        shards=options.shards,
        histories=options.histories,
        outage_s=options.outage,
    ) as running:
        for target in options.kill:
            found[target] = []
            running.starts.clear()
            for seed in range(options.first, options.first + options.seeds):
                plans = [plan(moment, seed) for moment in options.moments]
                runs = await strike(running, plans, target)
                found[target] += [await _judged(running, run) for run in runs]
                tables.progress(console, target, seed, found[target][-len(runs) :])
                await running.serving()
            if options.by_moment:
                tables.strikes(console, target, found[target])
            tables.starts(console, running.starts)
    show(console, found, options.outage)
    return all(tables.holds(verdicts) for verdicts in found.values())


async def _judged(running: Cluster, run: Struck) -> Verdict:
    """Judge a run; one that was on another worker than the killed one was not struck."""
    verdict = await judge(running, run)
    if not running.struck:
        return verdict
    on = 0
    for leg in await history.legs(running.session, run.run_id):
        for event in leg.events:
            if event.event_time.ToNanoseconds() / 1e9 < run.killed:
                done = event.workflow_task_completed_event_attributes.identity
                on = int(done.partition("@")[0]) if done else on
    return replace(verdict, missed=verdict.missed or on not in running.struck)


def show(console: Console, found: Mapping[str, Sequence[Verdict]], outage_s: float) -> None:
    """Print what the kills came to, a row for each thing that was killed."""
    table = Table(title="SIGKILL on a cluster")
    table.add_column("killed")
    for name in (
        "runs",
        "not on it",
        "completed",
        "recorded repeated",
        "effects twice",
        "replies bought twice",
        "in doubt",
        "stopped",
        "task failures",
        "median s",
        "worst s",
    ):
        table.add_column(name, justify="right")
    for target, verdicts in found.items():
        seconds = [verdict.seconds for verdict in verdicts if not verdict.missed]
        counts = (
            len(verdicts),
            sum(verdict.missed for verdict in verdicts),
            sum(verdict.ended_well for verdict in verdicts),
            sum(verdict.repeated for verdict in verdicts),
            sum(verdict.twice for verdict in verdicts),
            sum(verdict.again for verdict in verdicts),
            sum("in_doubt" in verdict.asked for verdict in verdicts),
            sum("stopped" in verdict.asked for verdict in verdicts),
            sum(verdict.faults for verdict in verdicts),
        )
        times = (statistics.median(seconds), max(seconds)) if seconds else ()
        table.add_row(target, *map(str, counts), *(f"{time:.1f}" for time in times))
    console.print(table)
    console.print(
        f"seconds: from the kill to the run's next model call; the database stays away for "
        f"{outage_s:g} s; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


def _chosen(text: str, known: Sequence[str]) -> list[str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if wrong := [part for part in parts if part not in known]:
        sys.exit(f"{wrong[0]!r} is none of {list(known)}")
    return parts or list(known)


def main() -> None:
    """Parse the options and drill; the exit code is 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.cluster", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="kills of each kind")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--kill", default="", help=f"comma-separated, of {', '.join(KINDS)}")
    parser.add_argument("--moments", default="", help="comma-separated beginnings; empty for all")
    parser.add_argument("--outage", type=float, default=3, help="seconds without a database")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--histories", type=int, default=1, help="history processes")
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--by-moment", action="store_true", help="a table for each kind too")
    options = parser.parse_args()
    options.kill = _chosen(options.kill, KINDS)
    starts = tuple(part.strip() for part in options.moments.split(",")) or ("",)
    options.moments = [moment for moment in MOMENTS if moment.startswith(starts)]
    with tempfile.TemporaryDirectory(prefix="holdfast-cluster-") as home:
        good = asyncio.run(_drill(options, Path(home), Console(width=140)))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
