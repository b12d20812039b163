"""`python -m bench.peers`: Holdfast and others, interleaved on one server, model and machine."""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from agents.drill.place import Place
from bench.drill.rig import rig
from bench.peers import measure
from bench.peers.measure import Found
from bench.peers.ours import Holdfast
from bench.peers.runtime import RUNTIMES, ByLines, OnTemporal, Runtime, Worker
from runtime.settings import Settings, variable_of

OTHERS: Final = {
    "pydantic_ai": "PydanticAI",
    "openai_agents": "OpenAIAgents",
    "langgraph": "LangGraph",
    "dbos": "",
}


def environment() -> Path:
    """Return the others' interpreter; make their environment the first time."""
    home = Settings.load().prepare_home() / "peers"
    python = home / "bin" / "python"
    if not python.exists():
        print(f"making the others' environment in {home} (a minute, once)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)  # noqa: S603
        locked = RUNTIMES.parent / "requirements.txt"
        install = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", locked]
        subprocess.run(install, check=True)  # noqa: S603
    return python


@asynccontextmanager
async def runtimes(python: Path, names: Sequence[str]) -> AsyncGenerator[list[Runtime]]:
    """Start the server, the model and all workers; stop them at the end."""
    with tempfile.TemporaryDirectory(prefix="holdfast-peers-") as folder:
        effects = Path(folder) / "effects"
        effects.mkdir()
        async with rig(Path(folder) / "home") as running:
            env = {
                **os.environ,
                "TEMPORAL_ADDRESS": running.stack.address,
                "HOLDFAST_OFFLINE_URL": running.stack.env[variable_of("offline_url")],
                "PEERS_EFFECTS": str(effects),
                "PYTHONPATH": str(RUNTIMES),
                "OPENAI_API_KEY": "offline",
                "OPENAI_AGENTS_DISABLE_TRACING": "1",
                "LANGSMITH_TRACING": "false",
            }
            made: list[Runtime] = [Holdfast(running, Place.made(Path(folder) / "drill"))]
            for name in names:
                worker = Worker(python, f"{name}_worker.py", env, Path(folder) / f"{name}.log")
                made.append(
                    OnTemporal(effects, name, workflow, worker, running.session.client)
                    if (workflow := OTHERS[name])
                    else ByLines(effects, name, worker)
                )
            try:
                for each in made:
                    await each.start()
                yield made
            finally:
                for each in made[1:]:
                    await each.kill()


async def compare(given: argparse.Namespace) -> dict[str, Found]:
    """Measure everything that was asked for."""
    lengths = [int(each) for each in given.turns.split(",") if each]
    names = [each for each in given.runtimes.split(",") if each]
    found = {name: Found() for name in ("holdfast", *names)}
    async with runtimes(environment(), names) as made:
        for each in made:
            await measure.turns(each, 3, Found())  # imports, connections, caches
        for repetition in range(given.repetitions):
            for length in lengths:
                for each in made if repetition % 2 == 0 else reversed(made):
                    await measure.turns(each, length, found[each.name])
        for each in made:
            for which in measure.SLIPS:
                found[each.name].slips[which] = await measure.slip(each, which, given.patience)
            await measure.kill_after_effect(each, found[each.name])
    return found


def show(found: dict[str, Found], lengths: Sequence[int]) -> None:
    """Print the table."""
    table = Table(title="medians; one turn is a model call and a tool's result of 2,000 bytes")
    table.add_column("")
    for length in lengths:
        table.add_column(f"{length} turns: ms, CPU ms, bytes a turn", justify="right")
    for title in ("wrong argument", "unknown tool", "tool's error", "kill -9 after an effect"):
        table.add_column(title)
    for name, each in found.items():
        cost = [_cost(each, length) for length in lengths]
        slips = [each.slips.get(which, "") for which in measure.SLIPS]
        table.add_row(name, *cost, *slips, f"{each.effects} effects, {each.after_kill}")
    Console(width=200).print(table)


def _cost(found: Found, length: int) -> str:
    took = found.turns.get(length)
    if not took:
        return f"fails: {found.failed.get(length, '')[:60]}"
    wall = statistics.median(each.wall_ms for each in took)
    cpu = statistics.median(each.cpu_ms for each in took)
    size = statistics.median(each.history_bytes for each in took)
    return f"{wall:.1f}, {cpu:.1f}, {size:,.0f}"


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--runtimes", default=",".join(OTHERS))
    parser.add_argument("--turns", default="10,50,200")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--patience", type=float, default=40, help="seconds for a run of 3 turns")
    given = parser.parse_args()
    found = asyncio.run(compare(given))
    show(found, [int(each) for each in given.turns.split(",") if each])


if __name__ == "__main__":
    main()
