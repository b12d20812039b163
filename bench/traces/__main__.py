"""`python -m bench.traces --seed N`: a run's trace against its history, span by span.

A run of the drill agent on real processes: its worker is killed with SIGKILL twice in its middle
and once right after its end, a model call is retried, two calls of its own and one of the run below
it are approved, its answer is refused once, and it continues as new several times. What an OTLP
collector received is compared with what the histories record. Exits with 1 if anything differs.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.traces.collector import Collector, collector
from bench.traces.compare import Row, Verdict, compare
from bench.traces.expected import Step, steps
from bench.traces.play import Played, play, traced


async def measure(home: Path, kept: Collector, given: argparse.Namespace) -> bool:
    """Play one run for each seed; print what came of them, and return whether all is well."""
    good = True
    async with traced(home, kept) as running:
        for seed in range(given.seed, given.seed + given.runs):
            played = await play(running, kept, seed, given.turns)
            recorded = await steps(running.session, played.run_id)
            verdict = compare(recorded, kept.of(played.trace))
            _print(seed, played, recorded, verdict)
            good &= verdict.good
    return good


def _print(seed: int, played: Played, recorded: list[Step], verdict: Verdict) -> None:
    out = Console()
    table = Table(title=f"seed {seed}: {played.run_id}, {played.result.get('outcome')}")
    table.add_column("step")
    for name in ("recorded", "spans", "missing", "too many", "received twice", "wrong"):
        table.add_column(name, justify="right")
    for row in verdict.rows.values():
        table.add_row(row.kind, *map(str, _numbers(row)))
    out.print(table)
    retried = sum(
        step.kind == "model" and step.has.get("holdfast.attempts", 1) > 1 for step in recorded
    )
    out.print(
        f"{verdict.traces} trace, {verdict.roots} root, {verdict.orphans} orphans; "
        f"{played.kills} kills, {retried} model calls retried, {played.approvals} approvals, "
        f"continued as new {played.result.get('continued')} times; "
        f"whole {played.told_s:.1f} s after the run's end"
    )
    for fault in verdict.faults[:20]:
        out.print(f"  [red]{fault}[/]", soft_wrap=True)


def _numbers(row: Row) -> tuple[int, ...]:
    return (row.recorded, row.spans, row.missing, row.more, row.twice, row.wrong)


def main() -> None:
    """Parse the plan and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=1, help="so many seeds, beginning with --seed")
    parser.add_argument("--turns", type=int, default=16)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-traces-") as home, collector() as kept:
        good = asyncio.run(measure(Path(home), kept, given))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
