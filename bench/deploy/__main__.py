"""`python -m bench.deploy`: a rolling deploy under load, and a breaking change named before it."""

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from bench.deploy import builds, tables
from bench.deploy.rollout import contrast, make_current, roll
from bench.deploy.workers import Build
from bench.drill.rig import Rig, rig


async def _drill(options: argparse.Namespace, home: Path, console: Console) -> bool:
    _end_in_order()
    async with rig(home) as running:
        # The rig's own worker serves this checkout; the drill's serve copies.
        await running.worker.stop()
        name = "bench" if options.versioned else ""
        old = Build("old", builds.old(home / "old"), running, name)
        new = Build("new", builds.new(home / "new"), running, name)
        broken = Build("broken", builds.breaking(home / "broken"), running)
        try:
            return await _deploy(options, running, (old, new, broken), console)
        finally:
            for build in (old, new, broken):
                await build.stop()


def _end_in_order() -> None:
    """Have SIGTERM stop the processes too, as Ctrl-C does."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _deploy(
    options: argparse.Namespace, running: Rig, made: tuple[Build, Build, Build], console: Console
) -> bool:
    old, new, broken = made
    for _ in range(options.workers):
        await old.add()
    if old.deployment:
        await make_current(old)
    done = await roll(running, made, options.runs, options.seed)
    tables.rollout(console, done, options.runs)
    good = tables.rolled_well(done, options.runs)
    if options.parked and not old.deployment:
        shown = await contrast(running, new, broken, options.parked, options.seed)
        tables.contrast(console, shown)
        good &= tables.contrasted_well(shown)
    return good


def main() -> None:
    """Parse the options and deploy; the exit code is 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.deploy", description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="runs under load")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="worker processes of each build")
    parser.add_argument("--parked", type=int, default=10, help="runs that meet the breaking build")
    parser.add_argument(
        "--versioned", action="store_true", help="workers have versions; a third of runs is pinned"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-deploy-") as home:
        good = asyncio.run(_drill(options, Path(home), Console(width=130)))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
