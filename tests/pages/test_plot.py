"""The balance around a finding: what the two lines are, for each kind of fault."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.pages.plot import HEIGHT, WIDTH, balance
from domain.audit import FaultKind, Finding, Point

FIRST = date(2024, 1, 3)


def _points(rows: Sequence[tuple[int, str, int, int]]) -> list[Point]:
    return [
        Point(
            date=FIRST + timedelta(days=day),
            trans_id=name,
            signed_cents=signed,
            balance_cents=after,
        )
        for day, name, signed, after in rows
    ]


def _finding(name: str, day: int, kind: FaultKind) -> Finding:
    return Finding(
        account_id="1",
        date=FIRST + timedelta(days=day),
        trans_id=name,
        kind=kind,
        recorded=0,
        expected=0,
    )


BEFORE = (0, "a", 10_000, 10_000)
AFTER = (20, "z", -1_000, 0)


@pytest.mark.parametrize(
    ("kind", "rows", "gap"),
    [
        ("amount", [(10, "x", -7_000, 8_000), (20, "z", -1_000, 7_000)], 5_000),
        ("sign", [(10, "x", 2_000, 8_000), (20, "z", -1_000, 7_000)], 4_000),
        ("missing", [(10, "x", -2_000, 5_000), (20, "z", -1_000, 4_000)], 3_000),
        ("balance", [(10, "x", -2_000, 9_500), (20, "z", -1_000, 7_000)], 1_500),
        (
            "duplicate",
            [(10, "x", -2_000, 8_000), (10, "y", -2_000, 8_000), (20, "z", -1_000, 7_000)],
            2_000,
        ),
    ],
)
def test_the_lines_part_by_what_the_fault_is_about(
    kind: FaultKind, rows: list[tuple[int, str, int, int]], gap: int
) -> None:
    """Recorded balance and added-up amounts differ, from the fault on, by its very amount."""
    plot = balance(_points([BEFORE, *rows]), _finding("x", 10, kind), gap)

    assert plot is not None
    assert plot.ghost
    assert plot.gap is not None
    assert plot.fault is not None
    assert plot.fault.label == f"2024-01-13 · gap {gap / 100:.2f}"
    assert [dot.faulty for dot in plot.dots].count(True) == 1


def test_an_altered_balance_is_met_again() -> None:
    """Where only the balance was altered, the lines run together again after the booking."""
    rows = [BEFORE, (10, "x", -2_000, 9_500), (20, "z", -1_000, 7_000), (30, "w", 500, 7_500)]

    plot = balance(_points(rows), _finding("x", 10, "balance"), 1_500)

    assert plot is not None
    assert plot.ghost.count("H") == 2
    assert plot.line.count("H") == 3


def test_a_faults_day_is_put_in_order() -> None:
    """Bookings of that day which follow from one another are drawn so, whatever their order."""
    day = [(10, "c", 500, 8_500), (10, "x", -7_000, 8_000)]

    plot = balance(_points([BEFORE, *day]), _finding("x", 10, "amount"), 5_000)

    assert plot is not None
    assert [dot.faulty for dot in plot.dots] == [False, True, False]
    assert plot.gap is not None


def test_a_booking_that_is_not_there_is_not_marked() -> None:
    """A claim about a booking that the series has not leaves the line alone."""
    plot = balance(_points([BEFORE, AFTER]), _finding("q", 10, "amount"), 100)

    assert plot is not None
    assert plot.fault is None
    assert not plot.ghost
    assert not any(dot.faulty for dot in plot.dots)


def test_nothing_is_drawn_of_nothing() -> None:
    """An empty series has no picture."""
    assert balance([], None) is None


@given(
    st.lists(
        st.tuples(
            st.integers(0, 400),
            st.sampled_from("abcdef"),
            st.integers(-(10**13), 10**13),
            st.integers(-(10**13), 10**13),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_everything_drawn_is_inside_the_picture(rows: list[tuple[int, str, int, int]]) -> None:
    """Whatever a ledger holds, no point, tick or line leaves the frame."""
    series = _points(sorted(rows))
    first = series[0]
    day = (first.date - FIRST).days

    plot = balance(series, _finding(first.trans_id, day, "amount"), 100)

    assert plot is not None
    assert all(0 <= dot.x <= WIDTH and 0 <= dot.y <= HEIGHT for dot in plot.dots)
    assert all(0 <= tick.at <= WIDTH for tick in plot.across)
    assert all(0 <= tick.at <= HEIGHT for tick in plot.up)
    assert 1 <= len(plot.up) <= 6
