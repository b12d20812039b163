"""`python -m bench.scale`: runs and turns a second with 1, 2 and 4 workers, and what limits them.

The load keeps so many runs under way. Beside the rates stands what each part spends on a turn:
the part whose share of the machine is used up first is the limit.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.cluster.programs import ending_in_order
from bench.cluster.rig import cluster
from bench.drill.rig import Rig, rig
from bench.scale.load import Load, Shape, load
from bench.scale.usage import GROUPS

_SERVERS: Final = ("cluster", "embedded")
_COLUMNS: Final = (
    "runs/s",
    "turns/s",
    "turn ms p50",
    "p95",
    "cores used",
    *(f"{group} ms" for group in GROUPS),
    "commits",
    "syncs",
    "WAL KB",
    "failed",
)


async def _measure(options: argparse.Namespace, console: Console) -> None:
    shapes = [_shape(text, options.latency) for text in options.shapes.split(",")]
    found: list[tuple[str, Shape, Load]] = []
    for server in options.servers.split(","):
        for workers in map(int, options.workers.split(",")):
            if server == "embedded" and workers > 1:
                continue  # its rig has one
            with tempfile.TemporaryDirectory(prefix="holdfast-scale-") as home:
                async with _rig(server, Path(home), workers, options.shards) as running:
                    for shape in shapes:
                        came = await load(running, shape, options.seconds, options.seed)
                        found.append((f"{server}, {workers}", shape, came))
                        show(console, found[-1:])
    show(console, found)


@asynccontextmanager
async def _rig(server: str, home: Path, workers: int, shards: int) -> AsyncGenerator[Rig]:
    if server == "cluster":
        async with cluster(home, workers=workers, shards=shards) as running:
            yield running
    else:
        async with ending_in_order(), rig(home) as running:
            yield running


def _shape(text: str, latency_ms: int) -> Shape:
    turns, _, at_once = text.partition("x")
    return Shape(int(turns), int(at_once or 16), latency_ms)


def show(console: Console, found: list[tuple[str, Shape, Load]]) -> None:
    """Print the figures; milliseconds of processor time, commits, syncs and log are a turn's."""
    table = Table(title="A load on Holdfast, by server and workers")
    table.add_column("server, workers")
    table.add_column("turns a run x at once")
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for where, shape, came in found:
        table.add_row(
            where,
            f"{shape.turns} x {shape.at_once}",
            f"{came.runs:.1f}",
            f"{came.turns:.1f}",
            f"{came.turn_ms:.0f}",
            f"{came.turn_p95_ms:.0f}",
            f"{sum(came.cores.values()):.2f}",
            *(f"{came.cpu_ms(group):.1f}" for group in GROUPS),
            f"{came.commits:.1f}",
            f"{came.syncs:.1f}",
            f"{came.wal / 1024:.0f}",
            str(came.failed),
        )
    console.print(table)
    console.print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def main() -> None:
    """Parse the options and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--servers", default="cluster,embedded", help=", ".join(_SERVERS))
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--shapes", default="2x16,20x16", help="turns of a run x runs at once")
    parser.add_argument("--latency", type=int, default=0, help="of the model, in ms")
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement")
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    asyncio.run(_measure(parser.parse_args(), Console(width=180)))


if __name__ == "__main__":
    main()
