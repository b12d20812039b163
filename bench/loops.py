"""`python -m bench.loops`: how well circles are told from honest work, on labelled traces.

Traces are made by a seed; from 1,000 on, seeds use sentences that the detector was not made by.
`--file` reads traces of others: JSON lines of `{"loops": true, "family": "…", "onset": 3,
"period": 1, "acts": [{"tool": "…", "arguments": {}, "result": "…", "writes": false}]}`.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table

from bench.loop_honest import HONEST
from bench.loop_traces import CIRCLES, HELD_OUT, Trace, Words
from domain.loops import WINDOW, Deed, deed, find_loop
from domain.sameness import said

_ENOUGH = 0.95
_LATEST = 4  # the round by which a circle has to be found


def made(seed: int, count: int) -> Iterator[Trace]:
    """Return `count` traces, half of them circles, all families in turn."""
    words = Words(seed)
    for number in range(count):
        families = CIRCLES if number % 2 else HONEST
        yield families[number // 2 % len(families)](words)


def read(path: Path) -> Iterator[Trace]:
    """Return the traces of a file."""
    adapter = TypeAdapter(Trace)
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            yield adapter.validate_python(json.loads(line))


def found_at(trace: Trace) -> int | None:
    """Return after which call a loop is found, as a run would see it; None for none."""
    watched: list[Deed] = []
    for number, act in enumerate(trace.acts):
        if act.polling:
            continue
        came = said(act.result, act.arguments)
        watched.append(deed(act.tool, act.arguments, came, writes=act.writes, ok=act.ok))
        del watched[:-WINDOW]
        if find_loop(watched):
            return number
    return None


class Score:
    """What was found, by family."""

    def __init__(self) -> None:
        self.right: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.rounds: Counter[int] = Counter()
        self.hits = self.missed = self.false = 0
        self.circles: set[str] = set()

    def count(self, trace: Trace) -> None:
        """Judge one trace: a circle counts as found up to its fourth round, and not before it."""
        at = found_at(trace)
        if not trace.loops:
            self.false += at is not None
            (self.wrong if at is not None else self.right)[trace.family] += 1
            return
        self.circles.add(trace.family)
        round_ = (at - trace.onset) // trace.period + 1 if at is not None else 0
        self.rounds[round_] += 1
        hit = 0 < round_ <= _LATEST
        self.hits += hit
        self.missed += not hit
        (self.right if hit else self.wrong)[trace.family] += 1

    @property
    def precision(self) -> float:
        """Share of what was called a loop that is one."""
        called = self.hits + self.false
        return self.hits / called if called else 1.0

    @property
    def recall(self) -> float:
        """Share of the circles that were found in time."""
        return self.hits / (self.hits + self.missed) if self.hits + self.missed else 1.0


def judged(traces: Iterable[Trace]) -> Score:
    """Return how `traces` were judged."""
    score = Score()
    for trace in traces:
        score.count(trace)
    return score


def show(title: str, score: Score) -> None:
    """Print the figures, and who was taken for whom."""
    table = Table(title=title)
    for name in ("family", "is", "right", "wrong"):
        table.add_column(name, justify="left" if name in ("family", "is") else "right")
    for family in sorted({*score.right, *score.wrong}, key=lambda f: (f not in score.circles, f)):
        kind = "circle" if family in score.circles else "honest"
        table.add_row(family, kind, str(score.right[family]), str(score.wrong[family]))
    console = Console(width=100)
    console.print(table)
    rounds = ", ".join(
        f"{'never' if round_ == 0 else f'round {round_}'}: {count}"
        for round_, count in sorted(score.rounds.items())
    )
    console.print(
        f"precision {score.precision:.3f}, recall {score.recall:.3f} by the {_LATEST}. round"
    )
    console.print(f"circles found in {rounds or 'no round'}")


def main() -> int:
    """Judge the traces; 1 where either figure is under 0.95."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=HELD_OUT, help="from 1000 on: held out")
    parser.add_argument("--seeds", type=int, default=1, help="so many seeds from it on")
    parser.add_argument("--traces", type=int, default=200, help="of each seed")
    parser.add_argument("--file", type=Path, help="traces of others, JSON lines")
    given = parser.parse_args()
    if given.file:
        score, title = judged(read(given.file)), str(given.file)
    else:
        seeds = range(given.seed, given.seed + given.seeds)
        score = judged(trace for seed in seeds for trace in made(seed, given.traces))
        title = f"{given.traces} traces of each seed {seeds[0]} to {seeds[-1]}"
    show(title, score)
    return int(min(score.precision, score.recall) < _ENOUGH)


if __name__ == "__main__":
    raise SystemExit(main())
