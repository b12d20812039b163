"""The page of two runs side by side."""

from typing import Final, NamedTuple

from agents.auditor.wording import duration
from commands.comparison import Comparison, Figure, Pair
from commands.pages import sheet

_SHOWN: Final = 900_000
_LEAST: Final = 200
_MOST_PAIRS: Final = 400
"""Turns side by side that one page holds; of those in common the last few are enough."""
_BEFORE: Final = 3


class Row(NamedTuple):
    """A figure of both, as it is shown."""

    name: str
    a: str
    b: str
    change: str
    more: bool


def compare_page(found: Comparison) -> str:
    """Return one self-contained HTML page."""
    hidden = max(found.common - _BEFORE, 0)
    pairs = found.pairs[hidden:]
    shown = pairs[:_MOST_PAIRS]
    return sheet.render(
        "compare.html.jinja",
        found=found,
        rows=[_row(each) for each in found.figures if each.a or each.b],
        hidden=hidden,
        pairs=shown,
        left=len(pairs) - len(shown),
        most=max(_SHOWN // max(_texts(shown), 1), _LEAST),
        words=_WORDS,
        stand_in=any(
            turn.model.startswith("offline stand-in")
            for side in (found.a, found.b)
            for turn in side.turns
        ),
    )


_WORDS: Final = {
    "same": "alike",
    "result": "another result",
    "other": "something else was said",
    "only": "one side only",
}


def _row(figure: Figure) -> Row:
    change = "alike" if figure.a == figure.b else "new"
    if figure.a != figure.b and figure.change is not None:
        change = f"{figure.change:+.0%}"
    return Row(
        figure.name, _told(figure, figure.a), _told(figure, figure.b), change, figure.b > figure.a
    )


def _told(figure: Figure, amount: object) -> str:
    number = float(str(amount))
    if figure.unit == "usd":
        return f"${number:,.4f}"
    return duration(number) if figure.unit == "s" else f"{int(number):,}"


def _texts(pairs: tuple[Pair, ...]) -> int:
    turns = [turn for pair in pairs for turn in (pair.a, pair.b) if turn is not None]
    return sum(1 + 2 * len(turn.calls) for turn in turns)
