"""What kept a run on course, in lines: refusals, circles, budgets, words of strangers."""

from collections.abc import Iterator
from typing import NamedTuple

from domain.run import AgentResult

_STEPS = {
    "nudge": "the model was told",
    "forbid": "its calls were withheld",
    "backtrack": "the repetitions were taken out of the conversation",
    "person": "a person was asked",
    "stop": "the run was ended",
}
_NEAR = {
    "none": "an alert was raised",
    "person": "a person was asked",
    "simplify": "it was told to answer with what it had",
    "decline": "it was ended there",
}


class Event(NamedTuple):
    """One thing that a mechanism did.

    Attributes:
        turn: Model calls that the run had made; None where that is not known.
        by: Which mechanism.
        text: What it did and why; others may have written parts of it.
    """

    turn: int | None
    by: str
    text: str


def events(result: AgentResult) -> list[Event]:
    """Return what happened, in the order of turns."""
    found = [*_of_turns(result)]
    found.sort(key=lambda event: event.turn or 0)
    return [*found, *(Event(None, "without", text) for text in result.degraded)]


def _of_turns(result: AgentResult) -> Iterator[Event]:
    for taint in result.tainted:
        yield Event(taint.turn, "taint", f"read strangers' words from {taint.source}: {taint.why}")
    for refused in result.rejections:
        yield Event(refused.turn, refused.by, f"refused {refused.what}: {refused.reason}")
    for loop in result.loops:
        what = f"{loop.kind}: {', '.join(loop.tools)}"
        yield Event(loop.turn, "loops", f"went in circles ({what}); {_STEPS[loop.step]}")
    if (near := result.near) is not None:
        yield Event(near.turn, "budget", f"{near.said} were used; {_NEAR[near.then]}")


def told(result: AgentResult) -> list[str]:
    """Return what happened, one line each."""
    return [
        f"turn {event.turn}, {event.by}: {event.text}"
        if event.turn is not None
        else f"{event.by}: {event.text}"
        for event in events(result)
    ]
