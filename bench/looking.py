"""`python -m bench.looking`: what looking costs while a thousand runs wait for a person.

The live table is looked at twice; then who did what is exported, signed, and checked. Real server,
real worker; the runs stand at the gate of an irreversible call.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from rich.console import Console
from rich.table import Table

from agents.drill.place import Place
from bench.drill.rig import Rig, rig
from commands.audited.checked import check
from commands.audited.entry import Span
from commands.audited.gather import gather
from commands.audited.sealed import lines
from commands.fleet import Look
from domain.run import AgentRequest
from runtime.signing import Signer, generate

_Made = TypeVar("_Made")
_AT_ONCE: Final = 10
_ROWS: Final = 30
_PATIENCE_S: Final = 600.0


@dataclass(frozen=True)
class Figures:
    """What was seen.

    Attributes:
        first_s: The first look at the live table, which asks the runs on the screen.
        next_s: The one after it.
        right: The counts were the server's, and the longest waiting run stood at the top.
        export_s: Reading all histories and signing each line.
        entries: Lines of the log but the first and the last.
        size: Of the file, in bytes.
        check_s: Checking it.
        holds: It is as it was written; and one byte that changed is named.
    """

    runs: int
    first_s: float
    next_s: float
    right: bool
    export_s: float
    entries: int
    size: int
    check_s: float
    holds: bool


async def look(running: Rig, runs: int) -> Figures:
    """Park `runs` runs, look at them, and export who did what."""
    await _park(running, runs)
    table = Look(running.session)
    first, fleet = await _timed(table.look(_ROWS))
    following, fleet = await _timed(table.look(_ROWS))
    waits = [row.since for row in fleet.rows if row.since]
    right = fleet.counts["wait_for_approval"] == runs and waits == sorted(waits)
    generate(running.home / "audit.key")
    signer = Signer.read(running.home / "audit.key")
    began = time.monotonic()
    found = await gather(running.session, Span())
    log = list(lines(found.entries, signer, Span(), {}))
    exported = time.monotonic() - began
    began = time.monotonic()
    checked = check(log, signer.checker)
    took = time.monotonic() - began
    log[len(log) // 2] = log[len(log) // 2].replace(b'"seq":', b'"sEq":', 1)
    named = [wrong.line for wrong in check(log, signer.checker).wrong] == [len(log) // 2 + 1]
    return Figures(
        runs=runs,
        first_s=first,
        next_s=following,
        right=right,
        export_s=exported,
        entries=len(found.entries),
        size=sum(map(len, log)),
        check_s=took,
        holds=checked.holds and named,
    )


async def _timed(looking: Awaitable[_Made]) -> tuple[float, _Made]:
    began = time.monotonic()
    found = await looking
    return time.monotonic() - began, found


async def _park(running: Rig, runs: int) -> None:
    folder = str(Place.made(running.home / "drill" / "looking").path)
    client, queue = running.session.client, running.stack.settings.task_queue
    room = asyncio.Semaphore(_AT_ONCE)

    async def begin(number: int) -> None:
        task = {"drill": folder, "steps": [[["drill_wire", f"item{number}"]]]}
        request = AgentRequest(agent="drill", task=json.dumps(task), data={"drill": folder})
        async with room:
            await client.start_workflow(
                "AgentWorkflow", request, id=f"looked-at-{number}", task_queue=queue
            )

    await asyncio.gather(*(begin(number) for number in range(runs)))
    until = time.monotonic() + _PATIENCE_S
    while (await client.count_workflows("AwaitingApproval = true")).count < runs:
        if time.monotonic() > until:
            raise TimeoutError(f"not all of {runs} runs wait after {_PATIENCE_S:.0f} s")
        await asyncio.sleep(0.5)


def show(console: Console, found: Figures) -> None:
    """Print the figures."""
    table = Table(title=f"Looking while {found.runs:,} runs wait", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in (
        ("live table, first look", f"{found.first_s:.2f} s"),
        ("live table, each look after it", f"{found.next_s:.2f} s"),
        ("counted right, longest waiting first", "yes" if found.right else "no"),
        ("audit log, exported and signed", f"{found.export_s:.1f} s"),
        ("its entries", f"{found.entries:,}"),
        ("its size", f"{found.size / (1 << 20):.1f} MB"),
        ("checked in", f"{found.check_s:.2f} s"),
        ("holds, and a changed byte is named", "yes" if found.holds else "no"),
    ):
        table.add_row(name, value)
    console.print(table)


async def _measure(home: Path, runs: int) -> Figures:
    async with rig(home) as running:
        return await look(running, runs)


def main() -> None:
    """Parse the options and measure; the exit code is 1 where something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.looking", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-looking-") as home:
        found = asyncio.run(_measure(Path(home), options.runs))
    show(Console(width=100), found)
    sys.exit(0 if found.right and found.holds else 1)


if __name__ == "__main__":
    main()
