"""What a chain hands from step to step, as rules over values."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.chain import ChainRequest, ChainStep, Take, tokens
from domain.contract import canonical
from domain.handoff import Origin, cut, gathered, is_longer, origin

TEXT = {"type": "string"}


def shape(*names: str) -> dict[str, Any]:
    """Return the schema of an object with texts."""
    return {"type": "object", "properties": dict.fromkeys(names, TEXT)}


def chain(take: dict[str, Take] | None = None) -> ChainRequest:
    """Return three steps, of which two make `text`."""
    return ChainRequest(
        input=shape("text", "more"),
        steps=(
            ChainStep(name="a", input=shape("text"), output=shape("text", "own")),
            ChainStep(name="b", input=shape("text"), output=shape("text")),
            ChainStep(name="c", input=shape("text", "more", "own", "none"), take=take or {}),
        ),
    )


@pytest.mark.requirement("C4.6:origin")
def test_a_field_comes_from_the_nearest_step_that_makes_it() -> None:
    """A later maker hides an earlier one, and any of them hides the chain's input."""
    found = {name: origin(chain(), 2, name) for name in ("text", "more", "own", "none")}

    assert found == {
        "text": Origin("b", "text"),
        "more": Origin("input", "more"),
        "own": Origin("a", "own"),
        "none": None,
    }


@pytest.mark.requirement("C4.6:origin")
@pytest.mark.parametrize(
    ("of", "found"),
    [
        ("a.text", Origin("a", "text")),
        ("input.text", Origin("input", "text")),
        ("c.text", None),
        ("a.unknown", None),
        ("nobody.text", None),
        ("text", None),
    ],
)
def test_a_field_may_name_where_it_comes_from(of: str, found: Origin | None) -> None:
    """Only what an earlier step, or the input, declares."""
    assert origin(chain({"text": Take(of=of)}), 2, "text") == found


@pytest.mark.requirement("C4.6:declared-only")
def test_only_declared_fields_are_gathered() -> None:
    """A value that was not made is left out, one that was not declared too."""
    made = {"input": {"text": "1", "more": "2"}, "a": {"text": "3", "own": "4"}, "b": {}}

    assert gathered(chain(), 1, made) == {"text": (Origin("a", "text"), "3")}
    assert gathered(chain(), 2, made) == {
        "more": (Origin("input", "more"), "2"),
        "own": (Origin("a", "own"), "4"),
    }


@pytest.mark.requirement("C4.6:shortened")
@settings(max_examples=60, deadline=None)
@given(st.text() | st.lists(st.text() | st.integers() | st.lists(st.text())), st.integers(1, 60))
def test_a_cut_value_is_never_longer_than_it_may_be(value: Any, most: int) -> None:
    """Whatever the value; a text keeps its beginning, a list its first items."""
    if not is_longer(value, most):
        return

    shorter = cut(value, most)

    assert shorter is not None
    if isinstance(value, str):
        assert len(shorter.value) <= most
        assert value.startswith(shorter.value[:-1])
    else:
        assert value[: len(shorter.value)] == shorter.value
        assert len(canonical(shorter.value).decode()) <= max(most, 2)


@pytest.mark.requirement("C4.6:shortened")
@pytest.mark.parametrize("value", [{"a": "b" * 50}, 10**50, True])
def test_what_cannot_be_cut_is_left_to_the_chain(value: Any) -> None:
    """Half an object is no object."""
    assert cut(value, 10) is None


@pytest.mark.requirement("C4.6:tokens")
@settings(max_examples=40, deadline=None)
@given(st.text())
def test_tokens_are_counted_alike_for_all(text: str) -> None:
    """Four bytes of JSON a token, rounded up."""
    size = len(canonical(text))

    assert tokens(text) == -(-size // 4)
