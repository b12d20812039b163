"""The drill's tables."""

import os
import statistics
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bench.drill.graceful import Stopped
from bench.drill.plans import MOMENTS
from bench.drill.verdict import Verdict


def strikes(console: Console, target: str, verdicts: Sequence[Verdict]) -> None:
    """Print what the kills of `target` came to, a row a moment."""
    table = Table(title=f"SIGKILL of the {target}")
    table.add_column("moment")
    for name in (
        "runs",
        "missed",
        "repeated",
        "effects twice",
        "completed",
        "asked a person",
        "task failures",
        "median s",
        "worst s",
    ):
        table.add_column(name, justify="right")
    for moment in MOMENTS:
        found = [verdict for verdict in verdicts if verdict.moment == moment]
        if not found:
            continue
        seconds = [verdict.seconds for verdict in found]
        table.add_row(
            moment,
            str(len(found)),
            str(sum(verdict.missed for verdict in found)),
            str(sum(verdict.repeated for verdict in found)),
            str(sum(verdict.twice for verdict in found)),
            str(sum(verdict.ended_well for verdict in found)),
            str(sum(bool(verdict.asked) for verdict in found)),
            str(sum(verdict.faults for verdict in found)),
            f"{statistics.median(seconds):.1f}",
            f"{max(seconds):.1f}",
        )
    console.print(table)
    console.print("seconds: from the kill to the run's next model call")


def starts(console: Console, seconds: Sequence[float]) -> None:
    """Print what part of the time is the new worker's own start, and how busy the machine was."""
    console.print(
        f"of which until the new worker asked for work: median {statistics.median(seconds):.1f} s, "
        f"worst {max(seconds):.1f} s; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


def holds(verdicts: Sequence[Verdict]) -> bool:
    """Whether nothing was repeated and everything ended."""
    return all(
        not verdict.repeated and not verdict.twice and not verdict.faults and verdict.ended_well
        for verdict in verdicts
    )


def progress(console: Console, target: str, seed: int, verdicts: Sequence[Verdict]) -> None:
    """Print one kill's times."""
    times = "  ".join(f"{verdict.moment[:24]} {verdict.seconds:.1f}" for verdict in verdicts)
    console.print(f"{target} {seed}: {times}", style="dim", highlight=False)


def stops(console: Console, stopped: Sequence[Stopped]) -> None:
    """Print what the graceful stops came to."""
    table = Table(title="SIGTERM of the worker in a slow write that nobody could look up")
    for name in ("stops", "exit code 0", "in doubt", "effects twice", "completed", "worst stop s"):
        table.add_column(name, justify="right")
    table.add_row(
        str(len(stopped)),
        str(sum(stop.code == 0 for stop in stopped)),
        str(sum(bool(stop.verdict.asked) for stop in stopped)),
        str(sum(stop.verdict.twice for stop in stopped)),
        str(sum(stop.verdict.ended_well for stop in stopped)),
        f"{max(stop.seconds for stop in stopped):.1f}",
    )
    console.print(table)
