"""The balance around a finding, as the geometry of a picture; a template draws it.

Two lines tell a fault from a habit: the balance that the ledger records, and the balance that the
recorded amounts add up to. They run together until the fault, and what lies between them from
there on is what the fault is about. Both come from the ledger; nothing in it is a model's.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from agents.auditor.wording import money
from domain.audit import Finding, Point

WIDTH: Final = 640
HEIGHT: Final = 190
_TOP: Final = 24
_BOTTOM: Final = 26
_SIDE: Final = 8
_TICKS: Final = 4
_ROUNDING: Final = 100
"""Cents between two balances that a reader would call the same."""
_LATE: Final = 0.5
"""Share of the width from which a label stands left of what it names."""
_MOST: Final = 30
"""Bookings shown on each side of the fault; more cannot be told apart."""


class Dot(NamedTuple):
    """One booking, and what is shown when it is pointed at."""

    x: float
    y: float
    faulty: bool
    told: str


class Tick(NamedTuple):
    """A place on an axis."""

    at: float
    label: str


class Gap(NamedTuple):
    """What lies between the two lines where they part."""

    x: float
    top: float
    bottom: float


class Plot(NamedTuple):
    """A picture: `line` and `ghost` are SVG paths, `ghost` empty where there is none."""

    about: str
    line: str
    ghost: str
    dots: tuple[Dot, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    fault: Tick | None
    fault_left: bool
    gap: Gap | None
    width: int = WIDTH
    height: int = HEIGHT


class _Scale(NamedTuple):
    low: int
    high: int

    def y(self, cents: int) -> float:
        share = (cents - self.low) / (self.high - self.low)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)


def balance(series: Sequence[Point], finding: Finding | None, gap: int = 0) -> Plot | None:
    """Return the balance over the days of `series`, None where there is nothing to draw.

    Args:
        series: An account's bookings, in an order that continues the balance where there is one.
        finding: The fault, if there is one.
        gap: Cents that the fault is about; 0 where nobody knows.
    """
    if not series:
        return None
    series, faulty = _around(series, finding)
    xs = _across(series)
    ghost = _added_up(series, faulty[0]) if faulty and faulty[0] else {}
    scale = _scale([point.balance_cents for point in series], list(ghost.values()))
    line = [(x, scale.y(point.balance_cents)) for x, point in zip(xs, series, strict=True)]
    fault = xs[faulty[0]] if faulty else 0.0
    return Plot(
        about=_about(series, finding),
        line=_path(line),
        ghost=_path([(xs[at], scale.y(cents)) for at, cents in ghost.items()]),
        dots=tuple(Dot(x, y, at in faulty, _told(series[at])) for at, (x, y) in enumerate(line)),
        across=tuple(_months(series)),
        up=tuple(Tick(scale.y(cents), _short(cents)) for cents in _round_figures(scale)),
        fault=Tick(fault, _named(series[faulty[0]].date, gap)) if faulty else None,
        fault_left=fault > _LATE * WIDTH,
        gap=_gap(series, xs, ghost, scale, gap),
    )


def _around(
    series: Sequence[Point], finding: Finding | None
) -> tuple[Sequence[Point], Sequence[int]]:
    """Return the bookings near the fault and where among them it is, its day put in order."""
    found = _faulty(series, finding)
    if not found:
        return series, ()
    day = series[found[0]].date
    before = [point for point in series if point.date < day]
    after = [point for point in series if point.date > day]
    twins = {(series[at].signed_cents, series[at].balance_cents) for at in found}
    carried = before[-1].balance_cents if before else None
    on_it = _in_order([point for point in series if point.date == day], carried, twins)
    near = [*before[-_MOST:], *on_it, *after[:_MOST]]
    return near, _faulty(near, finding)


def _faulty(series: Sequence[Point], finding: Finding | None) -> list[int]:
    if finding is None:
        return []
    own = (finding.trans_id, finding.date)
    return [at for at, point in enumerate(series) if (point.trans_id, point.date) == own]


def _in_order(
    day: Sequence[Point], carried: int | None, faulty: set[tuple[int, int]]
) -> list[Point]:
    """Return the bookings of the fault's day as they follow from one another.

    No order continues all of it. Where nothing follows, the faulty booking and its like do.
    """
    left, ordered = list(day), list[Point]()
    while left:
        following = [
            point
            for point in left
            if carried is None
            or abs(point.balance_cents - point.signed_cents - carried) <= _ROUNDING
        ]
        marked = [point for point in left if (point.signed_cents, point.balance_cents) in faulty]
        ordered.append((following or marked or left)[0])
        carried = ordered[-1].balance_cents
        left.remove(ordered[-1])
    return ordered


def _added_up(series: Sequence[Point], first: int) -> dict[int, int]:
    """Return, from before the fault on, what the amounts add up to, by place in the series.

    It ends where it meets the recorded balance again: only the balance itself was altered.
    """
    carried = series[first - 1].balance_cents
    ghost, parted = {first - 1: carried}, False
    for at in range(first, len(series)):
        carried += series[at].signed_cents
        ghost[at] = carried
        apart = abs(carried - series[at].balance_cents) > _ROUNDING
        if parted and not apart:
            break
        parted = parted or apart
    return ghost


def _gap(
    series: Sequence[Point],
    xs: Sequence[float],
    ghost: dict[int, int],
    scale: _Scale,
    wanted: int,
) -> Gap | None:
    """Return the place where the lines part by what the fault is about."""
    for at, cents in ghost.items():
        recorded = series[at].balance_cents
        apart = abs(cents - recorded)
        if apart > _ROUNDING and abs(apart - abs(wanted)) <= _ROUNDING:
            top, bottom = sorted((scale.y(cents), scale.y(recorded)))
            return Gap(xs[at], top, bottom)
    return None


# --- axes


def _across(series: Sequence[Point]) -> list[float]:
    """Return where each booking stands: by its day, and beside the others of that day."""
    first, days = series[0].date.toordinal(), _days(series)
    alike, seen = Counter(point.date for point in series), Counter[date]()
    found: list[float] = []
    for point in series:
        inside = (seen[point.date] + 0.5) / alike[point.date]
        seen[point.date] += 1
        found.append(_x((point.date.toordinal() - first + inside) / days))
    return found


def _days(series: Sequence[Point]) -> int:
    return series[-1].date.toordinal() - series[0].date.toordinal() + 1


def _x(share: float) -> float:
    return round(_SIDE + share * (WIDTH - 2 * _SIDE), 1)


def _months(series: Sequence[Point]) -> Iterator[Tick]:
    """Yield the first days of months; the first day of all where there is none."""
    start, days = series[0].date, _days(series)
    firsts = [
        (offset, day)
        for offset in range(days)
        if (day := date.fromordinal(start.toordinal() + offset)).day == 1
    ]
    for offset, day in firsts or [(0, start)]:
        yield Tick(_x(offset / days), f"{day:%Y-%m}" if firsts else day.isoformat())


def _scale(recorded: Sequence[int], ghost: Sequence[int]) -> _Scale:
    values = [*recorded, *ghost]
    low, high = min(values), max(values)
    room = max((high - low) // 12, 100)
    return _Scale(low - room, high + room)


def _round_figures(scale: _Scale) -> list[int]:
    """Return a few round amounts inside the scale."""
    raw = (scale.high - scale.low) / _TICKS
    unit = 10 ** (len(str(int(raw))) - 1)
    step = next(unit * times for times in (1, 2, 5, 10) if unit * times >= raw)
    first = -(-scale.low // step) * step
    return list(range(first, scale.high, step))


# --- words


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Return a line of steps: level until the next booking, then up or down."""
    if not points:
        return ""
    (x, y), *rest = points
    return f"M{x} {y}" + "".join(f"H{x}V{y}" for x, y in rest)


def _told(point: Point) -> str:
    signed = money(point.signed_cents)
    after = money(point.balance_cents)
    return f"{point.date}, transaction {point.trans_id}: {signed}, balance {after}"


def _short(cents: int) -> str:
    return money(cents).removesuffix(".00")


def _named(day: date, gap: int) -> str:
    return f"{day} · gap {money(abs(gap))}" if gap else day.isoformat()


def _about(series: Sequence[Point], finding: Finding | None) -> str:
    span = f"Balance from {series[0].date} to {series[-1].date}, {len(series)} bookings"
    return f"{span}; the finding is transaction {finding.trans_id}" if finding else span
