"""Whether some order of a day's bookings continues the balance."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from agents.auditor.chain import Booking, Joker, Normal, State, by_day, close, in_order, walk
from agents.auditor.localise import Window, best, readings

EXACT = Normal()
amounts = st.integers(-50_000, 50_000).filter(bool)
ledgers = st.lists(st.lists(amounts, min_size=1, max_size=6), min_size=1, max_size=6)


def booked(days: list[list[int]], seed: int = 0) -> list[list[Booking]]:
    """Book amounts in their order from 0, then shuffle the rows of each day."""
    balance, row, found = 0, 0, list[Booking]()
    for number, day in enumerate(days):
        for signed in day:
            balance += signed
            found.append(Booking(row, f"t{row}", f"2024-01-{number + 1:02}", signed, balance))
            row += 1
    shuffled = by_day(found)
    for day in shuffled:
        Random(seed).shuffle(day)
    return shuffled


@given(ledgers, st.integers(0, 5))
def test_what_was_booked_in_some_order_is_sound(days: list[list[int]], seed: int) -> None:
    """However the rows of a day are shuffled, a ledger that was booked soundly is found sound."""
    assert walk([State(0)], booked(days, seed), EXACT)


@given(ledgers, st.integers(0, 5), st.data())
def test_a_change_of_one_figure_never_passes(
    days: list[list[int]], seed: int, data: st.DataObject
) -> None:
    """One altered amount breaks the chain, on its day or on the next one at the latest."""
    # A last day with one booking, as the next day's opening tells what the day before came to.
    found = booked([*days, [7]], seed)
    day = data.draw(st.sampled_from(found))
    place = data.draw(st.integers(0, len(day) - 1))
    by = data.draw(st.integers(1, 10_000))
    old = day[place]
    day[place] = Booking(old.row, old.trans_id, old.day, old.signed + by, old.balance)

    assert not walk([State(0)], found, EXACT)


@given(ledgers, st.integers(0, 5), st.data())
def test_the_altered_booking_is_among_the_readings(
    days: list[list[int]], seed: int, data: st.DataObject
) -> None:
    """Whatever else would mend an altered balance, the true reading is never missing."""
    found = booked([*days, [7]], seed)
    day = data.draw(st.sampled_from(found[:-1]))
    place = data.draw(st.integers(0, len(day) - 1))
    old = day[place]
    by = data.draw(st.integers(60_000, 90_000))
    day[place] = Booking(old.row, old.trans_id, old.day, old.signed, old.balance + by)
    at = next(i for i in range(len(found)) if not walk([State(0)], found[: i + 1], EXACT))

    window = Window(frozenset([State(0)]), tuple(map(tuple, found)), at)
    mended = readings(window, EXACT)

    assert ("balance", old.row, old.balance) in [
        (reading.kind, reading.booking.row, reading.expected) for reading in mended
    ]


def test_rounding_is_allowed_between_rounded_figures_only() -> None:
    """A tenth of rounding excuses 100.00 against 100.10, and not 100.00 against 100.05."""
    normal = Normal(tolerance=10, grain=10)

    assert normal.continues(10_000, 10_010)
    assert not normal.continues(10_000, 10_020)
    assert not normal.continues(10_000, 10_005)


def test_a_day_of_equal_bookings_ends_quickly() -> None:
    """Two hundred bookings to and fro between two balances are no maze to the search."""
    day = [Booking(n, f"t{n}", "2024-01-01", 5 if n % 2 else -5, 5 if n % 2 else 0)
           for n in range(200)]  # fmt: skip

    assert State(0) in close([State(0)], day, EXACT)


def test_bookings_are_plotted_in_an_order_that_continues() -> None:
    """Rows that stand in the file against their order of booking are put into it."""
    day = [Booking(1, "b", "2024-01-01", -5, 5), Booking(2, "a", "2024-01-01", 10, 10)]

    assert [booking.trans_id for booking in in_order(0, day, EXACT)] == ["a", "b"]


def test_a_sign_is_preferred_to_what_leaves_more_free() -> None:
    """A turned sign could be read as an altered amount too; the reading that fits exactly wins."""
    days = booked([[100], [40], [7]])
    days[1] = [Booking(1, "t1", "2024-01-02", -40, 140)]
    window = Window(frozenset([State(0)]), tuple(map(tuple, days)), 1)

    (reading,) = best(readings(window, EXACT))

    assert (reading.kind, reading.booking.trans_id, reading.expected) == ("sign", "t1", 40)


def test_a_joker_is_used_once() -> None:
    """Two gaps are not mended by one missing booking."""
    days = booked([[1], [2], [3], [4], [5]])
    del days[3], days[1]

    anywhere = frozenset(booking.row for day in days for booking in day)

    assert walk([State(0)], days[:2], EXACT, Joker("missing", targets=anywhere))
    assert not walk([State(0)], days, EXACT, Joker("missing", targets=anywhere))
