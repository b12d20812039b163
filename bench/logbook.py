"""Made-up logbooks: prose of no use, facts now and then, one that will be asked for.

The same seed makes the same book. The fact that is asked for stands on page 3 and nowhere else;
the others are like it, so that an answer that was guessed is a wrong one.
"""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ASKED_ON: Final = 3
_PLACES: Final = (
    "harbour", "north", "chapel", "tower", "market", "orchard", "quarry", "station", "mill",
    "ferry",
)  # fmt: skip
_THINGS: Final = (
    "gate", "store", "office", "cellar", "archive", "kitchen", "garage", "roof", "garden", "lift",
    "boiler", "safe", "crane", "pump", "shed",
)  # fmt: skip
_WORDS: Final = (
    "wind", "calm", "rain", "crew", "watch", "rope", "engine", "slow", "tide", "lamp", "painted",
    "west", "moored", "checked", "quiet", "cargo", "noon", "fog", "signal", "repaired",
)  # fmt: skip


@dataclass(frozen=True)
class Book:
    """A logbook, and what a reader of all of it must answer."""

    pages: tuple[str, ...]
    question: str
    answer: str

    def write(self, path: Path) -> None:
        """Write the pages as the agent reads them, parted by form feeds."""
        path.write_text("\f".join(self.pages), encoding="utf-8")


def made(pages: int, seed: int, facts_every: int = 50) -> Book:
    """Return a book of `pages` pages, which asks on its last one for what page 3 says.

    Every so many pages state another fact, of at most 149.
    """
    rng = random.Random(seed)
    names = [f"{place} {thing}" for place in _PLACES for thing in _THINGS]
    rng.shuffle(names)
    asked, *others = names
    facts = {name: f"the {name} code is {_code(rng)}." for name in names}
    question = f"What is the {asked} code?"
    written = [_prose(rng) for _ in range(pages)]
    written[ASKED_ON - 1] += f"\nRemember: {facts[asked]}"
    for page in range(facts_every, pages, facts_every):
        name = others[(page // facts_every) % len(others)]
        written[page - 1] += f"\nFact: {facts[name]}"
    written[-1] += f"\nQuestion: {question}"
    return Book(tuple(written), question, facts[asked])


def _code(rng: random.Random) -> str:
    return f"{rng.randrange(1_000, 10_000)}-{rng.choice('ABCDEFGHKLMNPRSTUVWXYZ')}"


def _prose(rng: random.Random) -> str:
    lines = [
        f"{hour:02}:{rng.randrange(60):02} " + " ".join(rng.choices(_WORDS, k=9))
        for hour in range(6, 22, 2)
    ]
    return "\n".join(lines)
