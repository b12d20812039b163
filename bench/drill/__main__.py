"""`python -m bench.drill`: kill at every moment, count what was repeated, time the going on."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.drill import tables
from bench.drill.graceful import stop_in_a_write
from bench.drill.plans import MOMENTS, plan
from bench.drill.rig import rig
from bench.drill.strike import Target, strike
from bench.drill.verdict import Verdict, judge

_TARGETS: tuple[Target, ...] = ("worker", "server")


async def _drill(options: argparse.Namespace, home: Path, console: Console) -> bool:
    good = True
    async with rig(home) as running:
        for target in options.kill:
            verdicts: list[Verdict] = []
            for seed in range(options.first, options.first + options.seeds):
                plans = [plan(moment, seed) for moment in options.moments]
                # One kill strikes a run at each moment: the seeds differ in everything else.
                runs = await strike(running, plans, target)
                verdicts += [await judge(running, run) for run in runs]
                tables.progress(console, target, seed, verdicts[-len(runs) :])
            tables.strikes(console, target, verdicts)
            if target == "worker":
                tables.starts(console, running.starts)
            good &= tables.holds(verdicts)
        stops = [await stop_in_a_write(running, seed) for seed in range(options.stops)]
        if stops:
            tables.stops(console, stops)
            good &= all(stop.code == 0 and not stop.verdict.asked for stop in stops)
    return good


def _chosen(text: str, known: Sequence[str]) -> list[str]:
    """Return the names in `known` that begin with a comma-separated part of `text`."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    wrong = [part for part in parts if not any(name.startswith(part) for name in known)]
    if wrong:
        sys.exit(f"{wrong[0]!r} is none of {list(known)}; name them by how they begin")
    return [name for name in known if not parts or name.startswith(tuple(parts))]


def main() -> None:
    """Parse the options and drill; the exit code is 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.drill", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="runs at each moment")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--moments", default="", help="comma-separated; empty for all")
    parser.add_argument("--kill", default="", help="worker, server; empty for both")
    parser.add_argument("--stops", type=int, default=10, help="graceful stops in a slow write")
    options = parser.parse_args()
    options.moments = _chosen(options.moments, MOMENTS)
    options.kill = [] if options.kill == "none" else _chosen(options.kill, _TARGETS)
    with tempfile.TemporaryDirectory(prefix="holdfast-drill-") as home:
        good = asyncio.run(_drill(options, Path(home), Console(width=130)))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
