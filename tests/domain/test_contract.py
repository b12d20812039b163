"""What is parsed can be recorded; what is hashed is told apart."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contract import MAX_DEPTH, canonical, digest, strict_json
from domain.messages import ROOT, Message, ToolCall, chain
from domain.tools import Effect, ToolSpec, idempotency_key
from tests.domain.given import JSON


@pytest.mark.requirement("C2:strict-json")
@given(value=JSON)
def test_json_that_can_be_recorded_is_read_as_it_is(value: Any) -> None:
    """Strictness changes no value that is fine."""
    assert strict_json(json.dumps(value)) == value


@pytest.mark.requirement("C2:strict-json")
@pytest.mark.parametrize(
    "text",
    [
        "", "{", "NaN", "[Infinity]", "-1e999", '{"a": 1, "a": 1}', '"\\ud800"',
        '{"\\uDC00": 1}', "[" * 10_000 + "]" * 10_000,
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
    ],
)  # fmt: skip
def test_json_that_could_not_be_recorded_is_refused(text: str) -> None:
    """Each is a ValueError in words, whatever Python would have made of it."""
    with pytest.raises(ValueError, match=r"\w"):
        strict_json(text)


@given(st.integers(0, MAX_DEPTH - 1))
@pytest.mark.requirement("C2:strict-json")
def test_nesting_is_allowed_up_to_its_bound(depth: int) -> None:
    """A value inside the bound is read."""
    assert strict_json("[" * depth + "1" + "]" * depth) is not None


@pytest.mark.requirement("C3:chain")
@given(texts=st.lists(st.text(), min_size=1, max_size=8), at=st.integers(0, 7), other=st.text())
def test_no_message_can_be_changed_under_its_head(texts: list[str], at: int, other: str) -> None:
    """A head names one conversation: one changed, dropped or moved message gives another."""
    messages = [Message(role="user", text=text) for text in texts]
    head = chain(ROOT, (message.id for message in messages))
    at %= len(texts)
    changed = [*messages]
    changed[at] = Message(role="user", text=other)

    same = chain(ROOT, (message.id for message in changed)) == head
    assert same is (other == texts[at])
    assert chain(ROOT, (message.id for message in messages[:at])) != head


@pytest.mark.requirement("C3:chain")
def test_what_is_said_by_whom_is_part_of_a_message() -> None:
    """Role, text, calls and the call that is answered each make another message."""
    call = ToolCall(id="1", name="a", arguments="{}")
    messages = [
        Message(role="user", text="a"),
        Message(role="assistant", text="a"),
        Message(role="tool", text="a"),
        Message(role="tool", text="a", call_id="1"),
        Message(role="assistant", text="a", calls=(call,)),
        Message(role="assistant", text="a", calls=(call.model_copy(update={"name": "b"}),)),
    ]

    assert len({message.id for message in messages}) == len(messages)


@pytest.mark.requirement("C6a:key")
@given(arguments=st.dictionaries(st.text(), JSON, max_size=4))
def test_a_key_follows_the_effect_and_not_its_spelling(arguments: dict[str, Any]) -> None:
    """The order of the arguments does not matter; run, turn, place, tool and values do."""
    turned = dict(reversed(arguments.items()))
    key = idempotency_key("run", 3, 1, "pay", arguments)

    assert idempotency_key("run", 3, 1, "pay", turned) == key
    others = [
        idempotency_key("other", 3, 1, "pay", arguments),
        idempotency_key("run", 4, 1, "pay", arguments),
        idempotency_key("run", 3, 0, "pay", arguments),
        idempotency_key("run", 3, 1, "book", arguments),
        idempotency_key("run", 3, 1, "pay", arguments | {"one more": 1}),
    ]
    assert len({key, *others}) == 6


@given(a=st.text(), b=st.text(), c=st.text())
@pytest.mark.requirement("C6a:key")
def test_a_digest_keeps_its_parts_apart(a: str, b: str, c: str) -> None:
    """Moving a character from one part to the next gives another digest."""
    assert (digest(a, b + c) == digest(a + b, c)) is (b == "")
    assert canonical({"b": 1, "a": a}) == canonical({"a": a, "b": 1})


@pytest.mark.requirement("C6a:tried-once")
@pytest.mark.parametrize(
    ("effect", "idempotent", "tries"),
    [("read", False, 4), ("write", False, 1), ("write", True, 4), ("irreversible", False, 1)],
)
def test_a_write_that_ignores_its_key_has_one_try(
    effect: str, idempotent: bool, tries: int
) -> None:
    """Whatever number of attempts it declares."""
    spec = ToolSpec(
        name="a", description="", parameters={}, effect=Effect(effect), attempts=4,
        idempotent=idempotent,
    )  # fmt: skip

    assert spec.tries == tries
