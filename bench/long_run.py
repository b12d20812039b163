"""A run of hundreds of turns: is what was said at its beginning known at its end, and at what cost?

`python -m bench.long_run`: a logbook of which page 3 states a fact and the last page asks for it,
read a page a turn on real processes. Prints the answer, the largest context against the window,
and what a turn read before and after the first summary; exits with 1 if a promise was broken.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from temporalio.client import WorkflowHandle

from agents.logbook.spec import Answer
from agents.registry import agents
from bench.drill.rig import Rig, rig
from bench.logbook import ASKED_ON, Book, made
from commands import history, transcript, verify
from commands.transcript import Step
from domain.manifest import Manifest
from domain.run import AgentRequest, AgentResult
from domain.window import WindowPolicy

_AGENT: Final = "logbook"
_LONGEST_S: Final = 3_600.0
_NOTE_EVERY: Final = 100  # pages; the agent's stand-in writes its place down so often
_FLAT: Final = 1.1  # a turn at the end may read so many times what one after the first fold reads
_STRETCHES: Final = 5


@dataclass(frozen=True)
class Figures:
    """What came of one long run.

    Attributes:
        largest: Tokens of the largest context that a call was given, as the provider counts.
        without: Tokens that the last turn would have read without a window, by the growth of the
            turns before the first fold.
        before: Tokens a turn before the first fold, on average.
        stretches: The same after it, in five equal parts of the run.
        summaries: Tokens that all summaries took, input and output.
        continued: How often the run continued as new.
        known: Items in the memory at the end; of so many bytes, of so many that it may have.
        kills: How often the worker was killed.
        seconds: From its start to its end.
    """

    turns: int
    answered: bool
    answer: str
    window: int
    largest: int
    without: int
    before: float
    stretches: tuple[float, ...]
    folds: int
    summaries: int
    tokens: int
    continued: int
    known: int
    known_bytes: int
    most_bytes: int
    left_out: int
    history_bytes: int
    verified: bool
    kills: int
    seconds: float

    @property
    def flat(self) -> float:
        """What a turn of the last stretch reads, against one of the first after the fold."""
        return self.stretches[-1] / self.stretches[0] if self.stretches else 0.0

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        within = self.largest <= self.window
        return self.answered and within and 0 < self.flat <= _FLAT and self.verified


@dataclass(frozen=True)
class _Plan:
    """What is run.

    Attributes:
        logbook: The file that is read.
    """

    book: Book
    logbook: Path
    turns: int
    seed: int
    kills: int


async def measure(home: Path, plan: _Plan) -> Figures:
    """Run a logbook to its end, and kill the worker on the way as often as planned."""
    async with rig(home) as running:
        request = AgentRequest(
            agent=_AGENT,
            task="Read the logbook to its end and answer the question on its last page.",
            data={"logbook": str(plan.logbook)},
        )
        began = time.monotonic()
        handle: WorkflowHandle[Any, Any] = await running.session.client.start_workflow(
            "AgentWorkflow",
            request,
            id=f"long-{plan.seed}",
            task_queue=running.session.settings.task_queue,
        )
        await _kill(running, handle, plan)
        result = AgentResult.model_validate(await asyncio.wait_for(handle.result(), _LONGEST_S))
        return await _figures(running, plan, result, time.monotonic() - began)


def planned(home: Path, given: argparse.Namespace) -> _Plan:
    """Return the plan of a run of so many turns, with its logbook written into `home`."""
    pages = next(p for p in count(2) if p + (p - 1) // _NOTE_EVERY + 1 >= given.turns)
    home.mkdir(parents=True, exist_ok=True)
    book = made(pages, given.seed, given.facts_every)
    plan = _Plan(book, home / "logbook.txt", given.turns, given.seed, given.kills)
    plan.book.write(plan.logbook)
    return plan


async def _kill(running: Rig, handle: WorkflowHandle[Any, Any], plan: _Plan) -> None:
    """Kill the worker at even distances of the run."""
    for number in range(1, plan.kills + 1):
        wanted = plan.turns * number // (plan.kills + 1)
        while (await _turn(handle)) < wanted:
            await asyncio.sleep(0.2)
        await running.kill_worker()
        await running.serving()


async def _turn(handle: WorkflowHandle[Any, Any]) -> int:
    said: dict[str, Any] = await handle.query("status")
    return int(said.get("turn", 0))


async def _figures(running: Rig, plan: _Plan, result: AgentResult, seconds: float) -> Figures:
    converter = running.session.client.data_converter
    legs = await history.legs(running.session, result.run_id)
    read = await transcript.read(converter, legs)
    trail = await verify.walked(converter, legs)
    first = next((i for i, step in enumerate(read.steps) if not step.is_turn), len(read.steps))
    before = [_input(step) for step in read.steps[:first]]
    after = [_input(step) for step in read.steps[first:] if step.is_turn]
    kept = result.memory
    said = Answer.model_validate(result.answer).answer
    memory = (kept.manifest if kept else None) or Manifest()
    policy = agents()[_AGENT].window or WindowPolicy()
    return Figures(
        turns=result.turns,
        answered=said == plan.book.answer,
        answer=said,
        window=policy.tokens,
        largest=max(_input(step) for step in read.steps),
        without=_extrapolated(before, result.turns),
        before=statistics.mean(before),
        stretches=tuple(statistics.mean(part) for part in _parts(after)),
        folds=kept.folds if kept else 0,
        summaries=sum(s.reply.usage.total for s in read.steps if not s.is_turn),
        tokens=result.spend.tokens,
        continued=result.continued,
        known=len(memory.items),
        known_bytes=memory.size,
        most_bytes=policy.manifest_bytes,
        left_out=memory.left_out,
        history_bytes=sum(event.ByteSize() for leg in legs for event in leg.events),
        verified=not trail.breaks,
        kills=plan.kills,
        seconds=seconds,
    )


def _input(step: Step) -> int:
    return step.reply.usage.input_tokens


def _extrapolated(before: Sequence[int], turns: int) -> int:
    """Return what turn number `turns` would read if each went on adding what those did."""
    growth = (before[-1] - before[0]) / max(len(before) - 1, 1)
    return round(before[0] + growth * (turns - 1))


def _parts(after: Sequence[int]) -> list[Sequence[int]]:
    size = max(len(after) // _STRETCHES, 1)
    return [after[at : at + size] for at in range(0, size * _STRETCHES, size)] if after else []


def _show(found: Figures) -> None:
    table = Table(title=f"{found.turns} turns, a fact of turn {ASKED_ON} asked at the last")
    table.add_column("")
    table.add_column("", justify="right")
    stretches = " / ".join(f"{part:,.0f}" for part in found.stretches)
    rows = {
        "answered": "yes" if found.answered else f"NO: {found.answer[:60]}",
        "largest context, tokens": f"{found.largest:,} of {found.window:,}",
        "tokens read a turn, before the first summary": f"{found.before:,.0f}",
        "after it, in five stretches": stretches,
        "last stretch to first": f"{found.flat:.2f}",
        "the last turn without a window": f"{found.without:,}",
        "folds": f"{found.folds:,}",
        "tokens of all summaries": f"{found.summaries:,} of {found.tokens:,}",
        "items in the memory": f"{found.known:,}, {found.left_out:,} left out",
        "bytes of the memory": f"{found.known_bytes:,} of {found.most_bytes:,}",
        "continued as new": f"{found.continued}",
        "bytes of history": f"{found.history_bytes:,}",
        "chain verified": "yes" if found.verified else "NO",
        "worker killed": f"{found.kills} times",
        "seconds": f"{found.seconds:.1f}",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    Console(width=100).print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=500)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--facts-every", type=int, default=50, help="pages from one other fact to the next"
    )
    parser.add_argument("--kills", type=int, default=0, help="times the worker is killed")
    parser.add_argument("--home", type=Path, help="folder of the run, kept; else a temporary one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-long-run-") as folder:
        home = given.home or Path(folder)
        plan = planned(home, given)
        found = asyncio.run(measure(home, plan))
    _show(found)
    sys.exit(0 if found.good else 1)


if __name__ == "__main__":
    main()
