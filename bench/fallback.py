"""`python -m bench.fallback`: a provider goes down in mid-run; the run ends at the other vendor.

A real server and worker, and the offline model as a process, which fails one vendor's address
from a turn on. What the other vendor was sent is read from the stand-in and held, block by block,
against the run's own transcript; what was bought is counted at the stand-in, not by us.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from bench.drill.rig import Rig, rig
from domain.messages import Message
from domain.run import AgentRequest, AgentResult
from domain.state import AgentState
from runtime.settings import variable_of

KINDS: Final = ("server_error", "quota", "unauthorized", "rate_limit,retry_after_s=0.2", "cut")
_PATIENCE_S: Final = 180.0
Block = tuple[str, str, str]


@dataclass(frozen=True)
class Ended:
    """What one run came to.

    Attributes:
        down_at: The turn from which on its first vendor was down.
        sold: Answered model calls by vendor, in order, as the stand-in counts.
        twice: Turns that were answered more than once.
        intact: Requests of the other vendor that had the run's whole transcript.
        others: Requests that the other vendor got.
    """

    kind: str
    down_at: int
    outcome: str
    turns: int
    sold: list[str]
    twice: int
    intact: int
    others: int
    seconds: float

    @property
    def good(self) -> bool:
        """Whether it ended at the other vendor, whole, with nothing bought twice."""
        expected = ["openai"] * (self.down_at - 1)
        expected += ["anthropic"] * (self.turns - len(expected))
        ended = self.outcome == "completed" and self.sold == expected
        return ended and not self.twice and self.intact == self.others > 0


async def strike(running: Rig, kind: str, seed: int, turns: int) -> Ended:
    """Run one agent whose first vendor is down from a turn on, which the seed draws."""
    draw = random.Random(f"{seed}|{kind}")
    down_at = draw.randint(2, turns)
    rules = [f"{kind},vendor=openai,turn={down_at}"]
    await _post(running, "/misbehave", {"rules": rules, "seed": seed, "keep": 10_000})
    task = {"turns": turns, "result_bytes": draw.choice([200, 2_000, 9_000]), "parallel": 2}
    run_id, began = f"fallback-{uuid4().hex[:10]}", time.perf_counter()
    handle = await running.session.client.start_workflow(
        "AgentWorkflow",
        AgentRequest(agent="bench", task=json.dumps(task)),
        id=run_id,
        task_queue=running.stack.settings.task_queue,
        result_type=AgentResult,
    )
    result: AgentResult = await asyncio.wait_for(handle.result(), _PATIENCE_S)
    seconds = time.perf_counter() - began
    state: AgentState = await handle.query("snapshot", result.turns, result_type=AgentState)
    calls = [
        call for call in (await running.stats(state.lineage))["list"] if call["outcome"] == "ok"
    ]
    bought = [call["turn"] for call in calls]
    sent = [
        each["body"]
        for each in (await _get(running, f"/requests/{state.lineage}"))["requests"]
        if each["vendor"] == "anthropic"
    ]
    return Ended(
        kind=kind.partition(",")[0],
        down_at=down_at,
        outcome=result.outcome.value,
        turns=result.turns,
        sold=[call["vendor"] for call in calls],
        twice=len(bought) - len(set(bought)),
        intact=sum(is_whole(body, state.messages) for body in sent),
        others=len(sent),
        seconds=seconds,
    )


def is_whole(body: dict[str, Any], messages: Sequence[Message]) -> bool:
    """Whether a request to Anthropic says what the run said, up to a turn: all, and in order."""
    told = [block for message in body["messages"] for block in _told(message)]
    said: list[Block] = []
    for message in messages:
        if said == told:
            return message.role == "assistant"
        said += _said(message)
    return said == told


def _told(message: dict[str, Any]) -> Iterable[Block]:
    for block in message["content"]:
        if block["type"] == "text":
            yield message["role"], block["text"], ""
        elif block["type"] == "tool_use":
            yield "call", block["id"], json.dumps([block["name"], block["input"]])
        else:
            yield "result", block["tool_use_id"], block["content"]


def _said(message: Message) -> Iterable[Block]:
    if message.role == "tool":
        yield "result", message.call_id, message.text
        return
    if message.text:
        yield message.role, message.text, ""
    for call in message.calls:
        yield "call", call.id, json.dumps([call.name, json.loads(call.arguments)])


async def _post(running: Rig, path: str, body: object) -> None:
    answer = await running.http.post(f"{_offline(running)}{path}", json=body)
    answer.raise_for_status()


async def _get(running: Rig, path: str) -> dict[str, Any]:
    return (await running.http.get(f"{_offline(running)}{path}")).raise_for_status().json()


def _offline(running: Rig) -> str:
    return running.stack.env[variable_of("offline_url")]


def show(console: Console, ended: Sequence[Ended]) -> None:
    """Print one line a fault, and the sum."""
    table = Table(box=None, header_style="dim")
    for name in (
        "fault",
        "runs",
        "ended elsewhere",
        "transcripts intact",
        "bought twice",
        "s a run",
    ):
        table.add_column(name, justify="left" if name == "fault" else "right")
    for kind in dict.fromkeys(each.kind for each in ended):
        of = [each for each in ended if each.kind == kind]
        table.add_row(
            kind,
            str(len(of)),
            str(sum(each.good for each in of)),
            f"{sum(e.intact for e in of)} of {sum(e.others for e in of)}",
            str(sum(each.twice for each in of)),
            f"{sum(each.seconds for each in of) / len(of):.1f}",
        )
    console.print(table)
    sold = sum(len(each.sold) for each in ended)
    turns = sum(each.turns for each in ended)
    console.print(
        f"{sum(e.good for e in ended)} of {len(ended)} runs ended at the other vendor; {sold} "
        f"replies were sold for {turns} turns; {sum(e.twice for e in ended)} bought twice"
    )
    for each in ended:
        if not each.good:
            console.print(f"[red]{each}[/]")


async def measure(home: Path, seeds: Sequence[int], turns: int) -> list[Ended]:
    """Return what each run came to; one at a time, since a fault is the whole stand-in's."""
    async with rig(home) as running:
        return [await strike(running, kind, seed, turns) for kind in KINDS for seed in seeds]


def main() -> None:
    """Parse the options and measure; the exit code is 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.fallback", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="runs for each fault")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--turns", type=int, default=12)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    with tempfile.TemporaryDirectory(prefix="holdfast-fallback-") as home:
        ended = asyncio.run(measure(Path(home), seeds, options.turns))
    show(Console(width=120), ended)
    sys.exit(0 if all(each.good for each in ended) else 1)


if __name__ == "__main__":
    main()
