"""The balance around a finding, as an SVG picture that needs nothing else."""

from collections.abc import Sequence
from datetime import date
from html import escape

from domain.audit import Finding, Point

_WIDTH, _HEIGHT = 720, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 12, 12, 26


def balance(series: Sequence[Point], finding: Finding | None) -> str:
    """Return the balance over time as a line of steps, with the finding's booking marked.

    Bookings of one day stand beside each other, in the order that continues the balance.
    """
    if not series:
        return ""
    across = _across(series)
    low, high = _range(series)

    def up(cents: int) -> float:
        share = (cents - low) / (high - low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    line = " ".join(
        f"{'M' if place == 0 else 'H'}{x:.1f}"
        + (f",{up(p.balance_cents):.1f}" if place == 0 else f"V{up(p.balance_cents):.1f}")
        for place, (x, p) in enumerate(zip(across, series, strict=True))
    )
    marks = "".join(
        f'<circle class="{_kind(point, finding)}" cx="{x:.1f}" cy="{up(point.balance_cents):.1f}" '
        f'r="{4 if _kind(point, finding) == "bad" else 2}"><title>{_told(point)}</title></circle>'
        for x, point in zip(across, series, strict=True)
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="balance over time">'
        f"{_axes(series, low, high, up(0) if low <= 0 <= high else None)}"
        f'<path class="line" d="{line}"/>{marks}</svg>'
    )


def _across(series: Sequence[Point]) -> list[float]:
    """Return where each booking stands: its day, and within it its place."""
    days = [point.date.toordinal() for point in series]
    first, span = days[0], max(days[-1] - days[0] + 1, 1)
    found: list[float] = []
    for place, day in enumerate(days):
        same = [other for other, value in enumerate(days) if value == day]
        within = same.index(place) / len(same)
        share = (day - first + within) / span
        found.append(_LEFT + share * (_WIDTH - _LEFT - _RIGHT))
    return found


def _range(series: Sequence[Point]) -> tuple[int, int]:
    values = [point.balance_cents for point in series]
    low, high = min(values), max(values)
    return (low - 100, high + 100) if low == high else (low, high)


def _axes(series: Sequence[Point], low: int, high: int, zero: float | None) -> str:
    base = _HEIGHT - _BOTTOM
    parts = [
        f'<text x="{_LEFT - 6}" y="{_TOP + 8}" text-anchor="end">{high / 100:,.0f}</text>',
        f'<text x="{_LEFT - 6}" y="{base}" text-anchor="end">{low / 100:,.0f}</text>',
        f'<text x="{_LEFT}" y="{_HEIGHT - 8}">{_day(series[0].date)}</text>',
        (
            f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 8}" text-anchor="end">'
            f"{_day(series[-1].date)}</text>"
        ),
        f'<line class="axis" x1="{_LEFT}" y1="{base}" x2="{_WIDTH - _RIGHT}" y2="{base}"/>',
    ]
    if zero is not None:
        parts.append(
            f'<line class="zero" x1="{_LEFT}" y1="{zero:.1f}" x2="{_WIDTH - _RIGHT}" '
            f'y2="{zero:.1f}"/>'
        )
    return "".join(parts)


def _kind(point: Point, finding: Finding | None) -> str:
    return "bad" if finding is not None and point.trans_id == finding.trans_id else "dot"


def _told(point: Point) -> str:
    signed, after = point.signed_cents / 100, point.balance_cents / 100
    return escape(f"{point.date} {point.trans_id}: {signed:+,.2f}, balance {after:,.2f}")


def _day(day: date) -> str:
    return day.isoformat()
