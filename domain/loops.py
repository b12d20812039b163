"""Finding a run that goes in circles, from what it did and what came back.

Looks at (tool, arguments, result). Three patterns: the same call with the same result,
two calls that take turns, and turns that bring nothing new. Polling tools are exempt.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from domain.contract import Contract, canonical, digest

TIMES = 3  # a second identical call may be a check; a third is a habit


class Deed(Contract):
    """One executed call, reduced to what repeats.

    Attributes:
        tool: Its name.
        call: The call's spelling, as `withheld` has it.
        result: Hash of what came back.
        wrote: It changed something, so that what follows may differ.
    """

    tool: str
    call: str
    result: str
    wrote: bool = False


class Loop(StrEnum):
    """How a run repeats itself."""

    REPEAT = "repeat"
    PING_PONG = "ping-pong"
    NO_PROGRESS = "no-progress"


class Finding(Contract):
    """A loop, and the calls it is made of."""

    kind: Loop
    tools: tuple[str, ...]
    calls: tuple[str, ...]


def find_loop(deeds: Sequence[Deed]) -> Finding | None:
    """Return the loop that the last of `deeds` closed, if any.

    A caller that has acted on a finding passes only the deeds after it, so that the next
    finding is news.
    """
    if not deeds:
        return None
    return _repeat(deeds) or _ping_pong(deeds) or _no_progress(deeds)


def _repeat(deeds: Sequence[Deed]) -> Finding | None:
    last = deeds[-1]
    if sum(deed == last for deed in _since_news(deeds)) < TIMES:
        return None
    return Finding(kind=Loop.REPEAT, tools=(last.tool,), calls=(last.call,))


def _since_news(deeds: Sequence[Deed]) -> Sequence[Deed]:
    """Return the deeds after the last write that was not made before.

    After an edit the same test is a new question, also when its answer is the old one.
    """
    made: set[str] = set()
    start = 0
    for index, deed in enumerate(deeds):
        if deed.wrote and deed.call not in made:
            made.add(deed.call)
            start = index
    return deeds[start:]


def _ping_pong(deeds: Sequence[Deed]) -> Finding | None:
    tail = deeds[-2 * TIMES :]
    if len(tail) < 2 * TIMES or tail[0].call == tail[1].call:
        return None
    if any(deed.call != tail[i % 2].call for i, deed in enumerate(tail)):
        return None
    # Results that differ each time are progress: an edit, then a test of it.
    if len({deed.result for deed in tail}) == len(tail):
        return None
    calls = (tail[0].call, tail[1].call)
    return Finding(kind=Loop.PING_PONG, tools=(tail[0].tool, tail[1].tool), calls=calls)


def _no_progress(deeds: Sequence[Deed]) -> Finding | None:
    """Different arguments, one and the same answer, twice as patiently as a plain repeat."""
    tail = deeds[-2 * TIMES :]
    if len(tail) < 2 * TIMES or len({(deed.tool, deed.result) for deed in tail}) > 1:
        return None
    if tail[-1].wrote:
        return None  # six things written, each acknowledged with the same word
    calls = tuple(dict.fromkeys(deed.call for deed in tail))
    return Finding(kind=Loop.NO_PROGRESS, tools=(tail[0].tool,), calls=calls)


def withheld(tool: str, arguments: dict[str, Any]) -> str:
    """Return the spelling under which a call that led nowhere is remembered."""
    return f"{tool} {digest(canonical(arguments), length=16)}"
