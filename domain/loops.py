"""Finding a run that goes in circles, from what it did and what came back.

A circle is work that brings nothing: the same call that tells the same, calls that take turns and
tell what they told before, a call that only fails, other arguments with one and the same outcome.
What it looks at is what calls mean and results tell (`domain/sameness.py`), so that a clock in a
result hides no circle. Declared polling tools are exempt.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, Literal, cast

from pydantic import Field

from domain.contract import Contract, canonical, digest, strict_json
from domain.messages import ToolCall
from domain.sameness import Said, Tone, wanted

TIMES: Final = 3  # a second identical call may be a check; a third is a habit
WINDOW: Final = 60  # deeds that are looked at; a circle is shorter
_LIVE: Final = 2  # times more for a call whose answer has changed by itself before
_PERIODS: Final = (2, 3)
_LATER: Final = (Tone.WAIT, Tone.AWAY)  # they invite to ask again, once more than others
_BARREN: Final = (Tone.ERROR, Tone.AWAY, Tone.EMPTY)

Step = Literal["nudge", "forbid", "backtrack", "person", "stop"]


class LoopPolicy(Contract):
    """What is done about a run that goes in circles.

    Attributes:
        ladder: What each finding of a run leads to, in order; the last one stays. `nudge`: the
            model is told. `forbid`: and the calls are withheld. `backtrack`: and their repetitions
            are taken out of the conversation. `person`: one decides. `stop`: the run ends with
            what it has, with the outcome `limit`. Nothing looks where it is empty.
        times: The same call may tell the same so often; fewer than two would be no circle.
    """

    ladder: tuple[Step, ...] = ("backtrack", "person")
    times: int = Field(default=TIMES, ge=2)


class Deed(Contract):
    """One call, reduced to what repeats.

    Attributes:
        tool: Its name.
        call: The call's spelling, as `withheld` has it.
        result: Hash of what came back.
        wrote: It changed something, so that what follows may differ.
        alike: Equal for calls that mean the same; empty where only the spelling is known.
        mark: Equal for results that tell the same of one call.
        mild: Equal for results that tell the same of different calls.
        tone: What kind of thing the result says; empty where that is not known.
        head: How the longest text that it was given begins.
        items: It was asked for one thing of many.
    """

    tool: str
    call: str
    result: str
    wrote: bool = False
    alike: str = ""
    mark: str = ""
    mild: str = ""
    tone: str = ""
    head: str = ""
    items: bool = False

    @property
    def key(self) -> str:
        """What was asked."""
        return self.alike or self.call

    @property
    def told(self) -> str:
        """What this call told."""
        return self.mark or self.result

    @property
    def outcome(self) -> tuple[str, str]:
        """What it came to, whatever was asked."""
        return self.tool, self.mild or self.result


class Loop(StrEnum):
    """How a run repeats itself."""

    REPEAT = "repeat"
    PING_PONG = "ping-pong"
    NO_PROGRESS = "no-progress"


class Finding(Contract):
    """A loop, and the calls it is made of.

    Attributes:
        calls: Their spellings.
        alike: Their meanings, where they are known.
    """

    kind: Loop
    tools: tuple[str, ...]
    calls: tuple[str, ...]
    alike: tuple[str, ...] = ()


class Turned(Contract):
    """A finding of a run, and what was done about it.

    Attributes:
        turn: Model calls that the run had made.
    """

    kind: Loop
    tools: tuple[str, ...]
    step: Step
    turn: int


def deed(
    tool: str, arguments: Mapping[str, Any], came: Said, *, writes: bool, ok: bool = True
) -> Deed:
    """Return a call and what it brought, reduced to what repeats."""
    asked = wanted(tool, arguments, writes=writes)
    return Deed(
        tool=tool,
        call=withheld(tool, dict(arguments)),
        result=came.mark,
        wrote=writes and ok,
        alike=asked.alike,
        mark=came.mark,
        mild=came.mild,
        tone=came.tone.value,
        head=asked.head,
        items=asked.items,
    )


def find_loop(deeds: Sequence[Deed], times: int = TIMES) -> Finding | None:
    """Return the loop that the last of `deeds` closed, if any.

    A caller that has acted on a finding passes only the deeds after it, so that the next
    finding is news.
    """
    if not deeds:
        return None
    recent = _since_news(deeds[-WINDOW:])
    return _repeat(recent, times) or _turns(recent, times) or _no_progress(recent, times)


def _since_news(deeds: Sequence[Deed]) -> Sequence[Deed]:
    """Return the deeds from the last write on that was not made before.

    After an edit the same test is a new question, also when its answer is the old one.
    """
    made: set[str] = set()
    start = 0
    for index, each in enumerate(deeds):
        if each.wrote and each.key not in made:
            made.add(each.key)
            start = index
    return deeds[start:]


def _repeat(deeds: Sequence[Deed], times: int) -> Finding | None:
    """One call that tells the same again and again, or does nothing but fail."""
    last = deeds[-1]
    same = [each for each in deeds if each.key == last.key]
    streak = _streak(same, lambda each: each.told == last.told)
    patience = times + (last.tone in _LATER)
    before = same[: len(same) - streak]
    if before and before[-1].tone not in (*_BARREN, ""):
        patience = times + _LIVE
    if streak >= patience or _only_fails(same[-times - 1 :], times):
        return _found(Loop.REPEAT, same[-max(streak, times + 1) :])
    return None


def _only_fails(same: Sequence[Deed], times: int) -> bool:
    """Whether one call fails again and again, in ways of which one at least was seen before."""
    barren = len(same) > times and all(each.tone in _BARREN for each in same)
    return barren and len({each.told for each in same}) < len(same)


def _turns(deeds: Sequence[Deed], times: int) -> Finding | None:
    """Calls that take turns, and whose last round told nothing that was not told before."""
    for period in _PERIODS:
        tail = deeds[-period * times :]
        round_ = tail[:period]
        if len(tail) < period * times or len({each.key for each in round_}) < period:
            continue
        if any(each.key != round_[at % period].key for at, each in enumerate(tail)):
            continue
        known = {each.told for each in tail[:-period]}
        if all(each.told in known for each in tail[-period:]):
            return _found(Loop.PING_PONG, round_)
    return None


def _no_progress(deeds: Sequence[Deed], times: int) -> Finding | None:
    """Different arguments, one and the same outcome, and nothing else learned meanwhile.

    Naming one thing after another is a list that is worked through: a receipt for each is
    progress, and that many of them fail needs twice the patience; that they are not there, as
    names that are looked up in a list of the wanted, three times.
    """
    last = deeds[-1]
    if last.wrote:
        return None  # several things written, each acknowledged with the same word
    tail = [each for each in _since_learned(deeds) if each.tool == last.tool]
    streak = _streak(tail, lambda each: each.outcome == last.outcome)
    same = tail[len(tail) - streak :]
    if last.tone == Tone.ACK:
        same = [each for each in same if each.head and each.head == last.head]
    patience = times + 1
    if last.items:
        patience *= 3 if last.tone == Tone.EMPTY else 2
    return _found(Loop.NO_PROGRESS, same) if len(same) >= patience else None


def _since_learned(deeds: Sequence[Deed]) -> Sequence[Deed]:
    """Return the deeds from the last one on that told something new."""
    known: set[tuple[str, str]] = set()
    start = 0
    for index, each in enumerate(deeds):
        if each.outcome not in known:
            known.add(each.outcome)
            start = index
    return deeds[start:]


def _streak(deeds: Sequence[Deed], holds: Callable[[Deed], bool]) -> int:
    """Return how many of the last deeds are so, without a gap."""
    count = 0
    for each in reversed(deeds):
        if not holds(each):
            break
        count += 1
    return count


def _found(kind: Loop, deeds: Sequence[Deed]) -> Finding:
    return Finding(
        kind=kind,
        tools=tuple(dict.fromkeys(each.tool for each in deeds)),
        calls=tuple(dict.fromkeys(each.call for each in deeds)),
        alike=tuple(dict.fromkeys(each.alike for each in deeds if each.alike)),
    )


def withheld(tool: str, arguments: dict[str, Any]) -> str:
    """Return the spelling under which a call that led nowhere is remembered."""
    return f"{tool} {digest(canonical(arguments), length=16)}"


def meant(alike: str) -> str:
    """Return how a call is withheld whatever its spelling, by its meaning."""
    return f"~{alike}"


def spelled(call: ToolCall) -> str:
    """Return the spelling of a call as a model made it; empty where its arguments are no object."""
    try:
        arguments = strict_json(call.arguments or "{}")
    except ValueError:
        return ""
    if not isinstance(arguments, dict):
        return ""
    return withheld(call.name, cast("dict[str, Any]", arguments))
