"""What a drilled run does and where it is struck, both decided by a seed.

A run is a script of one to three parallel calls a turn. The moment decides what is held: the
kill lands there, whatever the machine's speed.
"""

import random
from dataclasses import dataclass, field
from typing import Any, Final

Call = tuple[str, str]

THINKING: Final = "thinking"
CHECKING: Final = "checking"
GATE: Final = "gate"
ACTING: Final = "acting (read)"
KEYED: Final = "after an effect: honours its key"
FOUND: Final = "after an effect: can be looked up"
UNKNOWN: Final = "after an effect: nobody can tell"

MOMENTS: Final = (THINKING, CHECKING, GATE, ACTING, KEYED, FOUND, UNKNOWN)

_TOOLS: Final = {
    GATE: "drill_wire",
    ACTING: "drill_look",
    KEYED: "drill_pay",
    FOUND: "drill_transfer",
    UNKNOWN: "drill_charge",
}
# Long enough for the kill to land in it, and short enough to be waited for again afterwards.
LATENCY_MS: Final = 4_000
# What else happens in a run: none of it may be repeated either.
_OTHERS: Final = ("drill_look", "drill_look", "drill_pay", "drill_charge", "drill_transfer")


@dataclass(frozen=True)
class Plan:
    """One run to be struck.

    Attributes:
        held: The item, or the draft, that the run waits at; empty where it waits by itself.
        turn: The model call that is slow; 0 for none.
        look_s: Seconds between looks at it; many runs that are looked at often are a load.
    """

    moment: str
    seed: int
    steps: tuple[tuple[Call, ...], ...]
    held: str = ""
    turn: int = 0
    drafts: int = 0
    data: dict[str, str] = field(default_factory=dict[str, str])
    agent: str = "drill"
    look_s: float = 0.03

    def task(self, folder: str) -> dict[str, Any]:
        """Return the script as the drill agent and its stand-in read it."""
        task: dict[str, Any] = {"drill": folder, "steps": self.steps, "drafts": self.drafts}
        if self.turn:
            task |= {"slow_turn": self.turn, "latency_ms": LATENCY_MS}
        return task


def plan(moment: str, seed: int) -> Plan:
    """Return the run that is struck at `moment` under `seed`."""
    rng = random.Random(f"{moment}/{seed}")
    struck = rng.randrange(5)
    steps = [tuple(_calls(rng, f"s{number}")) for number in range(struck + rng.randint(1, 3))]
    if moment == THINKING:
        return Plan(moment, seed, tuple(steps), turn=struck + 1)
    if moment == CHECKING:
        drafts = rng.randint(1, 3)
        held = f"draft-{rng.randint(1, drafts)}"
        return Plan(moment, seed, tuple(steps), held=held, drafts=drafts)
    beside = [("drill_look", f"beside{number}") for number in range(rng.randint(0, 2))]
    steps[struck] = (*beside, (_TOOLS[moment], "struck"))
    return Plan(moment, seed, tuple(steps), held="" if moment == GATE else "struck")


def _calls(rng: random.Random, step: str) -> list[Call]:
    return [(rng.choice(_OTHERS), f"{step}c{number}") for number in range(rng.randint(1, 3))]
