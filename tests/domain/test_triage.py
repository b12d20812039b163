"""What a claim is worth, how alike two texts are, and how probable an answer's parts were."""

import json
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calibration import BINS, binned, calibrated, table, worth
from domain.certainty import Token, field_logprobs
from domain.likeness import cosine, rarity, words
from domain.taxonomy import TaxonomyError, taxonomy

REVIEWED = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=80)


@pytest.mark.requirement("C4.5:calibration")
def test_without_reviews_a_claim_counts_as_it_is() -> None:
    """Nothing is known against it."""
    assert calibrated(0.83, binned([])) == 0.83


@pytest.mark.requirement("C4.5:calibration")
def test_a_model_that_claims_too_much_is_believed_less() -> None:
    """Claims of 0.95 that are right half of the time count for little more than a half."""
    reviewed = [(0.95, number % 2 == 0) for number in range(200)]
    bins = binned(reviewed)

    found = table("logprobs", bins)

    assert 0.45 < calibrated(0.95, bins) < 0.55
    assert found.reviewed == 200
    assert found.ece == pytest.approx(0.45)
    assert found.brier == pytest.approx((0.05**2 + 0.95**2) / 2)


@pytest.mark.requirement("C4.5:calibration")
@given(reviewed=REVIEWED, one=st.floats(0, 1), other=st.floats(0, 1))
def test_a_higher_claim_never_counts_for_less(
    reviewed: list[tuple[float, bool]], one: float, other: float
) -> None:
    """Whatever was reviewed: worth lies in 0 to 1 and rises with the claim."""
    bins = binned(reviewed)
    low, high = sorted((one, other))

    assert len(worth(bins)) == BINS
    assert all(left <= right + 1e-9 for left, right in pairwise(worth(bins)))
    assert 0 <= calibrated(low, bins) <= calibrated(high, bins) + 1e-9 <= 1 + 2e-9


@pytest.mark.requirement("C4.5:novelty")
def test_alike_is_what_shares_rare_words() -> None:
    """Endings and common words do not decide; strangers have nothing in common."""
    known = words("My invoices show the wrong amounts")
    weights = {word: rarity(20, 1) for word in known}

    assert cosine(known, words("an invoice showing a wrong amount"), weights) > 0.9
    assert cosine(known, words("Zebras and volcanoes, my dear"), weights) == 0
    assert cosine(known, words(""), weights) == 0


@pytest.mark.requirement("C4.5:confidence")
def test_a_field_is_as_probable_as_the_tokens_that_spell_it() -> None:
    """Doubt about the category is the category's; the frame and the other fields have theirs."""
    pieces = ('{"', "category", '":"', "bil", "ling", '","', "confidence", '":', "0.9", "}")
    doubts = {"bil": math.log(0.6), "ling": math.log(0.5), "0.9": math.log(0.1)}

    found = field_logprobs([Token(piece, doubts.get(piece, 0.0)) for piece in pieces])

    assert math.exp(found["category"]) == pytest.approx(0.3)
    assert math.exp(found["confidence"]) == pytest.approx(0.1)


@pytest.mark.requirement("C4.5:confidence")
@given(text=st.text(max_size=60), cut=st.integers(1, 7))
def test_tokens_of_anything_else_say_nothing(text: str, cut: int) -> None:
    """Any text in any pieces: an answer or nothing, and never an error."""
    pieces = [text[start : start + cut] for start in range(0, len(text), cut)]

    assert isinstance(field_logprobs([Token(piece, float("-inf")) for piece in pieces]), dict)
    whole = json.dumps({"a": text, "b": [text]})
    assert set(field_logprobs([Token(whole, -0.5)])) == {"a"}


@pytest.mark.requirement("C4.5:input")
@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "a taxonomy is a mapping"),
        ({"categories": {}}, "categories"),
        ({"categories": {"A b": {}, "c": {}}}, "categories"),
        ({"categories": {"a": {"description": "x", "examples": []}, "b": {}}}, "examples"),
    ],
)
def test_what_is_no_taxonomy_is_refused(value: object, says: str) -> None:
    """The message names the place."""
    with pytest.raises(TaxonomyError, match=says):
        taxonomy(value)
