"""Rules as data: what is known agrees with itself, or it is said where it does not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.coherence import broken, disagreeing, values
from domain.goals import Rule

KNOWN: dict[str, Any] = {
    "account": "17",
    "profile": {"account": "17", "total": 6.0, "first": "2024-01-03", "kinds": [1, 2, 3]},
    "odd": {"account": "71", "rows": [{"n": 1}, {"n": 9}], "none": [], "days": ["2024-01-01"]},
}

HOLDS = [
    {"same": ["account", "profile.account"]},
    {"sum": ["profile.kinds[*]", "profile.total"]},
    {"at_most": ["profile.kinds[*]", "profile.total"]},
    {"at_most": ["odd.days[*]", "profile.first"]},
    {"among": ["profile.kinds[*]", "profile.kinds[*]"]},
    {"present": ["profile.kinds", "account"]},
    {"same": ["absent.x", "account"]},
]
BROKEN = {
    'these differ: account is "17", odd.account is "71"': {"same": ["account", "odd.account"]},
    "add up to 10, and profile.total is 6": {"sum": ["odd.rows[*].n", "profile.total"]},
    "odd.rows[*].n is 9, above profile.total": {"at_most": ["odd.rows[*].n", "profile.total"]},
    "odd.rows[*].n has 9, which": {"among": ["odd.rows[*].n", "profile.kinds[*]"]},
    "there is nothing in odd.none": {"present": ["odd.none"]},
    "there is no absent": {"present": ["absent"]},
    "there is no profile.lost": {"same": ["profile.lost", "account"]},
    "profile.account is no list": {"sum": ["profile.account[*]", "profile.total"]},
    '"x" is no number': {"sum": ["text", "profile.total"]},
    "cannot be compared": {"at_most": ["text", "profile.total"]},
}


@pytest.mark.requirement("C4.3:checkpoint")
@pytest.mark.parametrize("rule", HOLDS, ids=str)
def test_what_agrees_is_coherent(rule: dict[str, Any]) -> None:
    """A rule about an output that is not there at all is left to `present`."""
    assert broken([Rule.model_validate(rule)], KNOWN) == []


@pytest.mark.requirement("C4.3:checkpoint")
@pytest.mark.parametrize("said", BROKEN)
def test_what_disagrees_is_said_with_its_values(said: str) -> None:
    """With the paths, the values, and the reason that the rule's author gave."""
    rule = Rule.model_validate({**BROKEN[said], "why": "because"})

    (found,) = broken([rule], {**KNOWN, "text": "x"})

    assert said in found.what
    assert "because" in found.what
    assert found.names == rule.names


@pytest.mark.requirement("C4.3:checkpoint")
def test_an_input_is_repeated_unchanged_by_every_output_that_has_it() -> None:
    """One that has no such field has nothing to agree with."""
    outputs = {name: KNOWN[name] for name in ("profile", "odd")} | {"other": {"x": 1}, "n": 3}

    (found,) = disagreeing(["account"], {"account": "17"}, outputs)

    assert found.what == 'odd.account is "71", and the goal\'s account is "17"'


@pytest.mark.requirement("C4.3:bad-goal")
@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"same": ["one"]},
        {"same": ["a", "b"], "present": ["a"]},
        {"present": ["a..b"]},
        {"present": ["a[0]"]},
        {"sum": ["a"]},
        {"unknown": ["a"]},
    ],
    ids=str,
)
def test_a_rule_that_is_none_is_refused(rule: dict[str, Any]) -> None:
    """Also one that asks for two things at once."""
    with pytest.raises(ValidationError):
        Rule.model_validate(rule)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@pytest.mark.requirement("C4.3:checkpoint")
@given(_JSON, st.sampled_from(["same", "at_most", "among", "sum"]))
def test_no_value_breaks_the_checkpoint_itself(value: Any, kind: str) -> None:
    """Whatever workers and people give, a rule holds or says why not."""
    rule = Rule.model_validate({kind: ["x.a[*]", "y"]})

    for known in ({"x": {"a": [value]}, "y": value}, {"x": value, "y": value}):
        assert len(broken([rule], known)) <= 1


@pytest.mark.requirement("C4.3:checkpoint")
def test_a_path_goes_through_lists_in_lists() -> None:
    """One `[*]` for each."""
    assert values("x[*].y[*]", {"x": [{"y": [1, 2]}, {"y": [3]}]}) == [1, 2, 3]
