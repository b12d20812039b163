"""`python -m bench.cache`: how often a prompt is bought, and how much of it a provider had read.

A real server and worker, and the offline model as a process, which counts for itself: the calls
that reached it, and what it had read before, by prefix, as each vendor's prompt cache counts.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from bench.drill.rig import Rig, rig
from domain.run import AgentRequest, AgentResult
from runtime.settings import variable_of

_PATIENCE_S: Final = 240.0
VENDORS: Final = ("openai", "anthropic")


@dataclass(frozen=True)
class Bought:
    """What the same prompt came to, asked several times.

    Attributes:
        calls: That reached the provider.
        kept: Replies that runs did not have to buy.
        cost_usd: Of each run, in order.
    """

    agent: str
    runs: int
    calls: int
    kept: int
    cost_usd: list[str]


async def ask(running: Rig, agent: str, task: str, times: int) -> Bought:
    """Have the same prompt answered by runs one after the other."""
    before = (await running.stats())["answered"]
    results = [await _run(running, agent, task) for _ in range(times)]
    return Bought(
        agent=agent,
        runs=times,
        calls=(await running.stats())["answered"] - before,
        kept=sum(result.cached_turns for result in results),
        cost_usd=[f"{result.spend.cost_usd:f}" for result in results],
    )


async def shares(running: Rig, vendor: str, turns: int, result_bytes: int) -> list[float]:
    """Return, turn by turn, which share of its input a provider had read before."""
    other = [each for each in VENDORS if each != vendor]
    rules = [f"quota,vendor={each}" for each in other]
    await running.http.post(f"{_offline(running)}/misbehave", json={"rules": rules})
    task = json.dumps({"turns": turns, "result_bytes": result_bytes})
    lineage = uuid4().hex
    await _run(running, "bench", task, lineage=lineage)
    calls: list[dict[str, Any]] = (await running.stats(lineage))["list"]
    answered = [call for call in calls if call["outcome"] == "ok"]
    return [call["cached_tokens"] / call["input_tokens"] for call in answered]


async def _run(running: Rig, agent: str, task: str, **more: str) -> AgentResult:
    handle = await running.session.client.start_workflow(
        "AgentWorkflow",
        AgentRequest(agent=agent, task=task, **more),  # pyright: ignore[reportArgumentType]
        id=f"cache-{uuid4().hex[:10]}",
        task_queue=running.stack.settings.task_queue,
        result_type=AgentResult,
    )
    return await asyncio.wait_for(handle.result(), _PATIENCE_S)


def _offline(running: Rig) -> str:
    return running.stack.env[variable_of("offline_url")]


def show(console: Console, bought: Sequence[Bought], found: dict[str, list[float]]) -> None:
    """Print both figures."""
    table = Table("agent", "cache", "runs", "provider calls", "kept replies", "USD of each run")
    for each in bought:
        cache = "on" if each.agent == "casenotes" else "off"
        counts = (each.runs, each.calls, each.kept)
        table.add_row(each.agent, cache, *map(str, counts), ", ".join(each.cost_usd))
    console.print(table)
    table = Table("vendor", "turn", "input read from the provider's cache")
    for vendor, parts in found.items():
        for turn in (2, 10, 50):
            if turn <= len(parts):
                table.add_row(vendor, str(turn), f"{parts[turn - 1]:.1%}")
        table.add_row(
            vendor, f"1 to {len(parts)}", f"{sum(parts) / len(parts):.1%} (mean of turns)"
        )
    console.print(table)


async def _measure(home: Path, options: argparse.Namespace) -> bool:
    note = f"Mrs Holm, case {uuid4().hex[:6]}: fever since Monday, the knee is swollen."
    async with rig(home) as running:
        bought = [
            await ask(running, "casenotes", note, 2),
            await ask(running, "bench", json.dumps({"turns": 0, "of": note}), 2),
        ]
        found = {
            vendor: await shares(running, vendor, options.turns, options.result_bytes)
            for vendor in VENDORS
        }
    show(Console(width=120), bought, found)
    return [each.calls for each in bought] == [1, 2]


def main() -> None:
    """Parse the options and measure; the exit code is 1 where the cache does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.cache", description=__doc__)
    parser.add_argument("--turns", type=int, default=50)
    parser.add_argument("--result-bytes", type=int, default=2_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-cache-") as home:
        good = asyncio.run(_measure(Path(home), options))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
