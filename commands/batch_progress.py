"""How far a batch has come: a bar on a terminal, a line now and then in a pipe.

The numbers are the database's, so they show without a worker's help, and cost the batch nothing.
"""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from commands import console
from commands.session import Session
from domain.batch import Counts
from runtime.batches import Batches

_LIVE_EVERY_S = 0.5
_LINE_EVERY_S = 2.0
_RATE_OVER_S = 20.0


@dataclass
class _Rate:
    """Documents a second, over the last moments."""

    seen: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])

    def of(self, ended: int) -> str:
        now = time.monotonic()
        self.seen = [each for each in self.seen if now - each[0] < _RATE_OVER_S]
        self.seen.append((now, ended))
        since, before = self.seen[0]
        if now - since < 1:
            return ""
        return f"{(ended - before) / (now - since):.1f} a second"


@asynccontextmanager
async def shown(session: Session, run_id: str, *, silent: bool) -> AsyncGenerator[None]:
    """Show how far a batch has come while the caller waits for it."""
    if silent:
        yield
        return
    show = _live if sys.stderr.isatty() else _lines
    task = asyncio.create_task(show(Batches(session.database), run_id))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _live(batches: Batches, run_id: str) -> None:
    columns: list[ProgressColumn] = [
        TextColumn("[bold]{task.description}[/]"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[about]}"),
        TimeElapsedColumn(),
    ]
    rate = _Rate()
    with Progress(*columns, console=console.err(), transient=True) as bar:
        task = bar.add_task("documents", total=None, about="")
        while True:
            counts = await batches.counts(run_id)
            ended = _ended(counts)
            total = ended + counts.listed
            about = _about(counts, rate.of(ended), coloured=True)
            bar.update(task, total=total or None, completed=ended, about=about)
            await asyncio.sleep(_LIVE_EVERY_S)


async def _lines(batches: Batches, run_id: str) -> None:
    rate, told = _Rate(), Counts()
    try:
        while True:
            told = await _line(batches, run_id, rate, told)
            await asyncio.sleep(_LINE_EVERY_S)
    finally:  # the caller has waited enough: where it has come to is said in any case
        await _line(batches, run_id, rate, told)


async def _line(batches: Batches, run_id: str, rate: _Rate, told: Counts) -> Counts:
    """Say how far it has come, if that was not said yet."""
    counts = await batches.counts(run_id)
    ended = _ended(counts)
    about = _about(counts, rate.of(ended))
    if counts != told:
        console.note(f"{ended:,} of {ended + counts.listed:,} documents: {about}")
    return counts


def _ended(counts: Counts) -> int:
    return counts.done + counts.unsure + counts.failed


def _about(counts: Counts, rate: str, *, coloured: bool = False) -> str:
    done, failed = f"{counts.done:,} done", f"{counts.failed:,} failed"
    waiting = f"{counts.unsure:,} for a person"
    if coloured:
        failed = f"[red]{failed}[/]" if counts.failed else failed
        waiting = f"[yellow]{waiting}[/]" if counts.unsure else waiting
    return ", ".join([done, failed, waiting, *([rate] if rate else [])])
