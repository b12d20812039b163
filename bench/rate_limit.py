"""`python -m bench.rate_limit`: does a limit hold that three workers share?

Three worker processes, a tool limited to ten calls a second, and more calls waiting than the limit
lets through for a minute. The service that is called writes down when each call came; every window
of ten seconds is looked at.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agents.courier.tools import LOOKS_PER_SECOND
from bench.fleet import Fleet, fleet, script

WINDOW_S: Final = 10.0
_OVER: Final = 0.15
_RUNS: Final = 24
_CALLS: Final = 6  # a turn


@dataclass(frozen=True)
class Figures:
    """What was seen.

    Attributes:
        most: Calls in the fullest window of ten seconds.
        median: Calls in the middle one of all windows that lie within the load.
        seconds: Between the first and the last call.
    """

    workers: int
    calls: int
    seconds: float
    most: int
    median: int
    limit: float

    @property
    def over(self) -> float:
        """By how much the fullest window passes the limit: 0.1 is 10 %."""
        return self.most / (self.limit * WINDOW_S) - 1

    @property
    def good(self) -> bool:
        """Whether the promise was kept."""
        return self.over <= _OVER


def windows(stamps: Sequence[float], length_s: float = WINDOW_S) -> list[int]:
    """Return how many of `stamps` (sorted, in seconds) lie within `length_s` from each of them."""
    counts: list[int] = []
    end = 0
    for start, first in enumerate(stamps):
        while end < len(stamps) and stamps[end] < first + length_s:
            end += 1
        counts.append(end - start)
    return counts


async def measure(made: Fleet, seconds: float) -> Figures:
    """Load the limited tool for `seconds`, and look at what came."""
    turns = int(seconds * LOOKS_PER_SECOND * 1.15) // (_RUNS * _CALLS) + 1
    runs = [
        await made.start(script(f"p-{run}", turns, [["track"] * _CALLS])) for run in range(_RUNS)
    ]
    await made.results(runs)
    stamps = sorted(at for at, _, _ in (await made.seen())["seen"])
    found = windows(stamps)
    whole = [n for n, at in zip(found, stamps, strict=True) if at + WINDOW_S <= stamps[-1]]
    return Figures(
        workers=len(made.workers),
        calls=len(stamps),
        seconds=stamps[-1] - stamps[0],
        most=max(found),
        median=sorted(whole or found)[len(whole or found) // 2],
        limit=LOOKS_PER_SECOND,
    )


def told(figures: Figures) -> str:
    """Return the figures as a person reads them."""
    return (
        f"{figures.workers} workers, limit {figures.limit:g} calls a second: {figures.calls} calls "
        f"in {figures.seconds:.1f} s ({figures.calls / figures.seconds:.2f} a second)\n"
        f"fullest window of {WINDOW_S:g} s: {figures.most} calls, {figures.over:+.1%} of the limit "
        f"(median {figures.median}); allowed: {_OVER:+.0%}: "
        f"{'held' if figures.good else 'NOT HELD'}\n"
    )


async def _run(workers: int, seconds: float) -> Figures:
    with tempfile.TemporaryDirectory(prefix="holdfast-rate-") as home:
        async with fleet(Path(home), workers) as made:
            return await measure(made, seconds)


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    figures = asyncio.run(_run(given.workers, given.seconds))
    sys.stdout.write(told(figures))
    sys.exit(0 if figures.good else 1)


if __name__ == "__main__":
    main()
