"""What the demo shows, on a terminal and in a pipe."""

import asyncio
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from rich.rule import Rule
from temporalio.client import WorkflowHandle

from agents.auditor.faults import Planted
from commands import audit_results, console, reading, views
from commands.console import safe
from commands.demo_counts import Counts
from domain.approval import Question
from domain.auditing import AuditResult
from domain.run import Status

_PIPE_EVERY_S = 3.0
_YES = {"y", "yes", "approve", ""}
_NO = {"n", "no", "reject"}
_LOOK_S = 0.5

Answer = Literal["approve", "reject"]


class Screen:
    """The demo's words. With `as_json`, they go to stderr and nobody is asked."""

    def __init__(self, *, as_json: bool) -> None:
        self._console = console.err() if as_json else console.out()
        self._began = time.monotonic()
        self.asks = not as_json and sys.stdin.isatty() and self._console.is_terminal
        self._console.print(Rule("[bold]Holdfast demo[/]: an audit that survives", align="left"))

    def step(self, text: str, address: str = "") -> None:
        """Say what happens now."""
        where = f"  [link={address}]{safe(address)}[/]" if address else ""
        self._line(f"[cyan]•[/] {safe(text)}{where}")

    def kill(self, text: str) -> None:
        """Say what was killed."""
        self._line(f"[bold red]✗ {safe(text)}[/]")

    def say(self, text: str) -> None:
        """Pass on a worry."""
        self._line(f"[yellow]! {safe(text)}[/]")

    def _line(self, markup: str) -> None:
        seconds = time.monotonic() - self._began
        self._console.print(f"[dim]{seconds:5.1f} s[/]  {markup}", soft_wrap=True)

    @contextmanager
    def waiting(self, title: str) -> Generator[Callable[[str], None]]:
        """Show progress: a spinner on a terminal, now and then a line in a pipe."""
        if self._console.is_terminal:
            with self._console.status(title) as spinner:
                yield lambda text: spinner.update(f"{title}: {safe(text)}" if text else title)
            return
        last = time.monotonic()

        def tell(text: str) -> None:
            nonlocal last
            if text and time.monotonic() - last > _PIPE_EVERY_S:
                last = time.monotonic()
                self._line(f"[dim]  {safe(title)}: {safe(text)}[/]")

        yield tell

    async def ask(
        self, run_id: str, asked: Question, handle: WorkflowHandle[Any, Any]
    ) -> Answer | None:
        """Return what the person at the terminal decides; None if they did so in the UI."""
        self._console.print(views.question(run_id, asked))
        self._console.print("[bold]File the report?[/] \\[Y/n] (or answer in the UI) ", end="")
        typed = asyncio.create_task(_line())
        try:
            while not typed.done():
                await asyncio.wait({typed}, timeout=_LOOK_S)
                if not typed.done() and await _answered(handle, asked):
                    self._console.print("\n[green]answered in the UI[/]")
                    return None
            word = typed.result().strip().lower()
        finally:
            typed.cancel()
        if word in _NO:
            return "reject"
        if word not in _YES:
            self._console.print(f"[dim]{safe(word)!r} is neither yes nor no: taken for no[/]")
            return "reject"
        return "approve"

    def end(
        self, result: AuditResult, planted: Sequence[Planted], counts: Counts, page: Path
    ) -> None:
        """Show what came of it: what was planted, what was found, what the kill cost."""
        self._console.print()
        self._console.print(_against(result, planted))
        self._console.print()
        again = "[green]0[/]" if not counts.repeated else f"[bold red]{counts.repeated}[/]"
        cut = f", {counts.cut_off} cut off by the kill and asked again" if counts.cut_off else ""
        self._console.print(
            views.facts(
                {
                    "findings": _score(result, planted),
                    "model calls": f"{counts.recorded} recorded of {counts.asked} asked{cut}",
                    "repeated": f"{again} (a call whose answer was recorded is never made again)",
                    "filed": safe(audit_results.filed(result)) or "[yellow]no[/]",
                    "model": safe(result.model),
                    "report": safe(str(page)),
                }
            )
        )

    async def linger(self, ui: str, *, keep: bool) -> None:
        """Leave everything up until the person has seen enough."""
        self._console.print()
        self._console.print(f"[dim]look at the run:[/] [link={ui}]{safe(ui)}[/]", soft_wrap=True)
        if keep:
            self._console.print("[dim]everything stays up until Ctrl-C[/]")
            await asyncio.Event().wait()
        self._console.print("[dim]Enter stops everything[/] ", end="")
        await _line()


async def _line() -> str:
    """Read a line from the terminal without holding a thread that cannot be let go."""
    loop, found = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), found.set)
    try:
        await found.wait()
        return sys.stdin.readline()
    finally:
        loop.remove_reader(sys.stdin.fileno())


async def _answered(handle: WorkflowHandle[Any, Any], asked: Question) -> bool:
    said = await handle.query("status", result_type=Status)
    question = reading.question(said)
    return question is None or question.id != asked.id


def _against(result: AuditResult, planted: Sequence[Planted]) -> Any:
    table = console.table(
        "account",
        "planted",
        "day",
        "found",
        "day ",
        "transaction",
        "sure",
        "",
        title="what was found",
    )
    found = {str(each.as_row()["account_id"]): each.as_row() for each in result.findings}
    for fault in planted:
        row = found.pop(fault.account_id, None)
        if row is None:
            table.add_row(fault.account_id, fault.kind, fault.date, "[red]missed[/]")
            continue
        good = row["kind"] == fault.kind
        table.add_row(
            fault.account_id,
            fault.kind,
            fault.date,
            safe(str(row["kind"])),
            str(row["date"]),
            safe(str(row["trans_id"])),
            f"{row['confidence']:.2f}",
            "[green]✓[/]" if good else "[yellow]✓ another kind[/]",
        )
    for account, row in found.items():
        table.add_row(
            safe(account), "[red]nothing[/]", "", safe(str(row["kind"])), str(row["date"])
        )
    return table


def _score(result: AuditResult, planted: Sequence[Planted]) -> str:
    faulty = {fault.account_id for fault in planted}
    accounts = audit_results.accounts(result)
    invented = len(accounts - faulty)
    return (
        f"{len(faulty & accounts)} of {len(faulty)} planted faults found, {invented} invented, "
        f"each confirmed in the ledger by a second check"
    )
