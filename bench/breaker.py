"""`python -m bench.breaker`: how many calls reach a tool that is down, from a hundred runs?

Two worker processes, one hundred runs that read and write with a carrier. It works, goes down in
the middle of it, stays down for more than a minute, and comes back. The carrier writes down every
call; the breakers' own words (`starter.py breakers`) say when they opened and closed.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from agents.courier.tools import carrier_book, carrier_quote
from bench.fleet import Fleet, fleet, script
from domain.breaker import Breaker, BreakerState
from runtime.breakers import Breakers

_MINUTE_S: Final = 60.0
_MOST: Final = 5
_LOOK_S: Final = 0.05
_UP_S: Final = 10.0
_TOOLS: Final = {"quote": carrier_quote, "book": carrier_book}


@dataclass(frozen=True)
class OneTool:
    """What was seen of one tool.

    Attributes:
        before: Calls that reached it while it was down and its breaker not yet open.
        opened_after_s: From going down to the open breaker.
        most: Calls that reached it in the fullest minute from there on.
        back_s: From coming up to the closed breaker.
        probe_s: Its probe interval.
    """

    name: str
    before: int
    opened_after_s: float
    most: int
    back_s: float
    probe_s: float

    @property
    def good(self) -> bool:
        """Whether both promises were kept."""
        return self.most <= _MOST and self.back_s <= self.probe_s


@dataclass(frozen=True)
class Figures:
    """What was seen of all, and what the runs came to."""

    tools: Sequence[OneTool]
    outcomes: dict[str, int]
    degraded: int
    asked: int
    runs: int

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        ended = self.outcomes.get("completed", 0) == self.runs
        return ended and not self.asked and all(tool.good for tool in self.tools)


class Watcher:
    """Notes each change of the breakers, as the database has them."""

    def __init__(self, breakers: Breakers) -> None:
        self._breakers = breakers
        self.states: dict[str, list[tuple[float, BreakerState]]] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            for breaker in await self._breakers.list():
                self._note(breaker)
            await asyncio.sleep(_LOOK_S)

    def _note(self, breaker: Breaker) -> None:
        known = self.states.setdefault(breaker.name, [])
        if not known or known[-1][1] is not breaker.state:
            known.append((breaker.since.timestamp(), breaker.state))

    def first(self, name: str, state: BreakerState, since: float) -> float:
        """Return when a breaker was first in `state` from `since` on."""
        found = [at for at, was in self.states.get(name, ()) if was is state and at >= since]
        return found[0] if found else float("inf")


async def measure(made: Fleet, runs: int, down_s: float) -> Figures:
    """Take the carrier down under load, and bring it back."""
    watcher = Watcher(Breakers(made.rig.session.database))
    watching = asyncio.create_task(watcher.run())
    # A call of one of the tools about every four seconds a run, for the whole of it.
    turns = int((_UP_S * 2 + down_s + 30) / 4)
    handles = [
        await made.start(
            script(f"p-{run}", turns, [["quote"], ["book"]], latency_ms=3_500, until="back"),
            seconds=3_600,
        )
        for run in range(runs)
    ]
    await asyncio.sleep(_UP_S)
    down = time.time()
    await made.be("down")
    await asyncio.sleep(down_s)
    up = time.time()
    await made.be("up")
    results = await made.results(handles)
    watching.cancel()
    seen = (await made.seen())["seen"]
    tools = [_one(name, watcher, seen, down, up) for name in _TOOLS]
    return Figures(
        tools=tools,
        outcomes=dict(Counter(result["outcome"] for result in results)),
        degraded=sum(bool(result.get("degraded")) for result in results),
        asked=sum(len(result.get("decisions", ())) for result in results),
        runs=runs,
    )


def _one(kind: str, watcher: Watcher, seen: Sequence[Any], down: float, up: float) -> OneTool:
    tool = _TOOLS[kind]
    name = f"tool.{tool.spec.name}"
    opened = watcher.first(name, BreakerState.OPEN, down)
    closed = watcher.first(name, BreakerState.CLOSED, up)
    refused = HTTPStatus.SERVICE_UNAVAILABLE
    failed = [at for at, path, was in seen if path.startswith(f"/{kind}/") and was == refused]
    after = [at for at in failed if at > opened]
    return OneTool(
        name=name,
        before=len(failed) - len(after),
        opened_after_s=opened - down,
        most=max((sum(at <= each < at + _MINUTE_S for each in after) for at in after), default=0),
        back_s=closed - up,
        probe_s=tool.breaker.probe_s if tool.breaker else 0,
    )


def told(figures: Figures) -> str:
    """Return the figures as a person reads them."""
    lines = [
        f"{tool.name}: open {tool.opened_after_s:.1f} s after the carrier went down "
        f"({tool.before} calls reached it until then); then at most {tool.most} calls in a minute "
        f"(allowed: {_MOST}); closed {tool.back_s:.1f} s after it came back "
        f"(probe interval {tool.probe_s:g} s): {'held' if tool.good else 'NOT HELD'}"
        for tool in figures.tools
    ]
    lines.append(
        f"{figures.runs} runs: {figures.outcomes}, {figures.degraded} with a flagged gap or "
        f"another tool in place, {figures.asked} questions to a person"
    )
    return "\n".join(lines) + "\n"


async def _run(runs: int, workers: int, down_s: float) -> Figures:
    with tempfile.TemporaryDirectory(prefix="holdfast-breaker-") as home:
        async with fleet(Path(home), workers) as made:
            return await measure(made, runs, down_s)


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--down", type=float, default=75, help="seconds that the carrier is down")
    given = parser.parse_args()
    figures = asyncio.run(_run(given.runs, given.workers, given.down))
    sys.stdout.write(told(figures))
    sys.exit(0 if figures.good else 1)


if __name__ == "__main__":
    main()
