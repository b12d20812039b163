"""What happened in a run as a picture: a lane for each kind of thing, time from left to right."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from agents.auditor.wording import duration
from commands.pages.clock import Clock, clock
from commands.pages.happened import BELOW, MODEL, STEP, TOOL, WAIT, Happened, Stretch

WIDTH: Final = 960
_LEFT: Final = 84
_RIGHT: Final = 8
_TOP: Final = 18
_ROW: Final = 14
_GAP: Final = 12
_LEAST: Final = 2.0
"""Width of the narrowest mark: what took no time still happened."""
_NEAR: Final = 0.8
"""Marks that are nearer to each other than this are drawn as one."""
_MOST_ROWS: Final = 6
_TICKS: Final = 5
_LANES: Final = (MODEL, TOOL, STEP, BELOW, WAIT)
_WORDS: Final = {
    MODEL: ("model call", "model calls"),
    TOOL: ("tool call", "tool calls"),
    STEP: ("step", "steps"),
    BELOW: ("run below", "runs below"),
    WAIT: ("wait for a person", "waits for people"),
}
_LABEL_ROOM: Final = 44
"""Width that a word above a break needs."""


class Mark(NamedTuple):
    """A bar: where, in which colour, what it says when pointed at, and which turn it is."""

    x: float
    y: float
    width: float
    kind: str
    told: str
    turn: int = 0


class Word(NamedTuple):
    """A word of the picture, at its place."""

    x: float
    text: str
    y: float = 0


class Cut(NamedTuple):
    """A shortened stretch, from `x` on, and how long it was; no text where there is no room."""

    x: float
    width: float
    text: str


class Drawn(NamedTuple):
    """The picture.

    Attributes:
        renewed: Where the run continued as new.
        kinds: The kinds of marks that are in it, for the legend.
    """

    marks: tuple[Mark, ...]
    lanes: tuple[Word, ...]
    cuts: tuple[Cut, ...]
    ticks: tuple[Word, ...]
    renewed: tuple[float, ...]
    height: float
    about: str
    kinds: frozenset[str]
    width: int = WIDTH
    left: int = _LEFT
    top: int = _TOP
    row: int = _ROW


def draw(past: Happened) -> Drawn | None:
    """Return the picture of what happened; None where nothing did."""
    if not past.stretches:
        return None
    line = clock(_moments(past))
    marks, lanes, top = list[Mark](), list[Word](), float(_TOP)
    for lane in _LANES:
        own = [each for each in past.stretches if each.lane == lane]
        if not own:
            continue
        rows = _rows(own, past.until)
        for number, row in enumerate(rows):
            marks += _merged(row, top + number * _ROW, line, past)
        lanes.append(Word(0, lane, top + _ROW - 3))
        top += len(rows) * _ROW + _GAP
    return Drawn(
        marks=tuple(marks),
        lanes=tuple(lanes),
        cuts=tuple(_cuts(line)),
        ticks=tuple(_ticks(line)),
        renewed=tuple(_x(line, each, past) for each in past.renewed),
        height=top + 16,
        about=_about(past),
        kinds=frozenset(mark.kind for mark in marks),
    )


def _moments(past: Happened) -> Iterator[float]:
    yield _seconds(past.until, past)
    for each in past.stretches:
        yield _seconds(each.began, past)
        if each.ended is not None:
            yield _seconds(each.ended, past)


def _seconds(moment: datetime, past: Happened) -> float:
    return (moment - past.began).total_seconds()


def _x(line: Clock, moment: datetime, past: Happened) -> float:
    return _wide(line.place(_seconds(moment, past)))


def _wide(place: float) -> float:
    return round(_LEFT + place * (WIDTH - _LEFT - _RIGHT), 1)


def _rows(own: Sequence[Stretch], until: datetime) -> list[list[Stretch]]:
    """Return what overlaps in rows of its own, as far as there is room; the last takes the rest."""
    rows: list[list[Stretch]] = []
    ends: list[datetime] = []
    for each in own:
        ended = each.ended or until
        free = next((at for at, end in enumerate(ends) if end <= each.began), None)
        if free is None and len(rows) < _MOST_ROWS:
            rows.append([each])
            ends.append(ended)
            continue
        at = len(rows) - 1 if free is None else free
        rows[at].append(each)
        ends[at] = max(ends[at], ended)
    return rows


def _merged(row: Sequence[Stretch], y: float, line: Clock, past: Happened) -> Iterator[Mark]:
    """Yield the bars of a row; of more than can be told apart, one bar for all."""
    together: list[Stretch] = []
    left = right = 0.0
    for each in row:
        began = _x(line, each.began, past)
        ended = max(_x(line, each.ended or past.until, past), began + _LEAST)
        if together and (began > right + _NEAR or _kind(each) != _kind(together[0])):
            yield _mark(together, left, y, right, past)
            together = []
        if not together:
            left = right = began
        together.append(each)
        right = max(right, ended)
    if together:
        yield _mark(together, left, y, right, past)


def _mark(together: Sequence[Stretch], left: float, y: float, right: float, past: Happened) -> Mark:
    first = together[0]
    after = duration(max(_seconds(first.began, past), 0))
    if len(together) > 1:
        told = f"{len(together)} together, first {first.name}, after {after}"
    else:
        took = duration((first.ended - first.began).total_seconds()) if first.ended else ""
        how = {"failed": "failed", "again": "more than one attempt"}.get(first.how, "")
        parts = [first.name, f"after {after}", f"took {took}" if took else "under way", how]
        told = ", ".join(part for part in parts if part)
    width = round(min(right, WIDTH) - left, 1)
    return Mark(left, y, max(width, _LEAST), _kind(first), told, first.turn)


def _kind(each: Stretch) -> str:
    if each.how in {"failed", "asks", "stopped"}:
        return each.how
    return {MODEL: "model", TOOL: "tool", STEP: "step", BELOW: "below"}.get(each.lane, "asks")


def _cuts(line: Clock) -> Iterator[Cut]:
    for each in line.breaks:
        left, right = _wide(each.left), _wide(each.right)
        text = duration(each.seconds) if right - left > _LABEL_ROOM else ""
        yield Cut(left, round(right - left, 1), text)


def _ticks(line: Clock) -> Iterator[Word]:
    for at in range(_TICKS + 1):
        place = at / _TICKS
        yield Word(_wide(place), duration(line.moment(place)))


def _about(past: Happened) -> str:
    counts = [(lane, sum(each.lane == lane for each in past.stretches)) for lane in _LANES]
    told = ", ".join(f"{number:,} {_WORDS[lane][number != 1]}" for lane, number in counts if number)
    return f"{told} in {duration(_seconds(past.until, past))}"
