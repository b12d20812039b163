"""When a standing approval must go: the rule alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.standing import Terms, breached


@pytest.mark.requirement("C6:standing-withdrawn")
@pytest.mark.parametrize(
    ("reviewed", "wrong", "says"),
    [(9, 9, ""), (10, 1, ""), (10, 2, "2 of 10"), (100, 10, ""), (100, 11, "11 of 100")],
)
def test_the_bound_holds_from_the_minimum_on(reviewed: int, wrong: int, says: str) -> None:
    """At the bound it stands, above it falls, and before the minimum nothing counts."""
    found = breached(reviewed, wrong, Terms(max_error_rate=0.1, min_reviews=10))

    assert says in found
    assert bool(says) == bool(found)


@pytest.mark.requirement("C6:standing-withdrawn")
@given(reviewed=st.integers(0, 500), wrong=st.integers(0, 500), rate=st.floats(0, 1))
def test_more_errors_never_save_it(reviewed: int, wrong: int, rate: float) -> None:
    """What falls for some errors falls for one more."""
    terms = Terms(max_error_rate=rate, min_reviews=5)

    assert not breached(reviewed, wrong, terms) or breached(reviewed, wrong + 1, terms)
