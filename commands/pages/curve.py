"""What a run has used turn by turn, as shares of its limits: the geometry of a small picture."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from commands.pages.timeline import Budget, ShownTurn

WIDTH: Final = 640
HEIGHT: Final = 150
_TOP: Final = 22
_BOTTOM: Final = 24
_SIDE: Final = 8
_LABELS: Final = 10
_POINTS: Final = 320
_FAR: Final = 0.1
"""Share under which a curve drawn up to its limit would lie flat on the base."""


class Level(NamedTuple):
    """A height that is named."""

    at: float
    label: str


class Line(NamedTuple):
    """One quantity: its name, its path, and how much of its limit is used."""

    name: str
    path: str
    label: str


class Curve(NamedTuple):
    """A picture of spending; `limit` is its height, None where it is far above the picture."""

    lines: tuple[Line, ...]
    turns: tuple[tuple[float, int], ...]
    up: tuple[Level, ...]
    limit: float | None
    base: float
    width: int = WIDTH
    height: int = HEIGHT


class Used(NamedTuple):
    """What was used by the time that so many things were done: turns, or runs below."""

    number: int
    steps: int
    tokens: int
    cost_usd: Decimal


def spend(turns: Sequence[ShownTurn], budget: Budget) -> Curve | None:
    """Return the curve of a run with limits, None where there is nothing to draw."""
    return of([Used(t.number, t.number, t.tokens_by_then, t.cost_by_then) for t in turns], budget)


def of(turns: Sequence[Used], budget: Budget) -> Curve | None:
    """Return the curve of what was used step by step; of very many steps, of some of them."""
    turns = _some(turns)
    shares = {
        "model calls": [_share(turn.steps, budget.steps) for turn in turns],
        "tokens": [_share(turn.tokens, budget.tokens) for turn in turns],
        "cost": [_share(turn.cost_usd, budget.cost_usd) for turn in turns],
    }
    limits = {"model calls": budget.steps, "tokens": budget.tokens, "cost": budget.cost_usd}
    drawn = {name: values for name, values in shares.items() if limits[name] and values}
    if not drawn:
        return None
    most = max(max(values) for values in drawn.values())
    top = max(1.0, most) if most >= _FAR else most or 1.0
    every = -(-len(turns) // _LABELS)
    return Curve(
        lines=tuple(
            Line(name, _path(values, top), _percent(values[-1])) for name, values in drawn.items()
        ),
        turns=tuple(
            (_x(at, len(turns)), turn.number)
            for at, turn in enumerate(turns, 1)
            if at % every == 0 or at == 1
        ),
        up=tuple(
            Level(_y(share, top), _percent(share)) for share in ((0.8, 1) if top >= 1 else (top,))
        ),
        limit=_y(1, top) if top >= 1 else None,
        base=_y(0, top),
    )


def _some(turns: Sequence[Used]) -> Sequence[Used]:
    """Return as many as can be told apart in a picture, the last among them."""
    every = -(-len(turns) // _POINTS)
    return (
        turns[every - 1 :: every]
        if every > 1 and len(turns) % every == 0
        else ([*turns[every - 1 :: every], turns[-1]] if every > 1 else turns)
    )


def _share(used: int | Decimal, limit: int | Decimal) -> float:
    return float(Decimal(used) / Decimal(limit)) if limit else 0.0


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= _FAR or not share else f"{share * 100:.2g}%"


def _path(values: Sequence[float], top: float) -> str:
    steps = "".join(
        f"H{_x(at, len(values))}V{_y(value, top)}" for at, value in enumerate(values, 1)
    )
    return f"M{_x(0, len(values))} {_y(0, top)}{steps}"


def _x(turn: int, turns: int) -> float:
    return round(_SIDE + turn / max(turns, 1) * (WIDTH - 2 * _SIDE), 1)


def _y(share: float, top: float) -> float:
    return round(HEIGHT - _BOTTOM - share / top * (HEIGHT - _TOP - _BOTTOM), 1)
