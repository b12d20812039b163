"""Questions to a person and their answers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.approval import (
    Answer,
    UnusableAnswerError,
    arguments_hash,
    parse_answer,
    rule,
    silent,
)
from tests.domain.given import JSON, NOW, question


@pytest.mark.requirement("C6:parse")
@given(raw=JSON)
def test_any_json_is_an_answer_or_is_refused_with_a_reason(raw: Any) -> None:
    """Nothing a person can send raises anything else, and the reason is one line."""
    try:
        said = parse_answer(raw)
    except UnusableAnswerError as error:
        said = str(error)

    assert isinstance(said, Answer) or "approval_id" in said or "JSON object" in said


@pytest.mark.requirement("C6:parse")
@given(
    asked=st.sampled_from(["q1", "q2", ""]),
    verdict=st.sampled_from(["approve", "reject", "modify"]),
    arguments=st.none() | st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
    opened=st.booleans(),
)
def test_only_an_answer_to_the_open_question_decides(
    asked: str, verdict: Any, arguments: dict[str, Any] | None, opened: bool
) -> None:
    """A decision is of this question, and bound to what was shown or what was written."""
    answer = Answer(approval_id=asked, arguments=arguments)
    usable = opened and asked != "q2" and not (verdict == "modify" and arguments is None)
    try:
        decision = rule(question() if opened else None, verdict, answer, NOW)
    except UnusableAnswerError:
        assert not usable
        return

    assert usable
    wanted = arguments if verdict == "modify" else {"item": "5"}
    assert (decision.approval_id, decision.arguments) == ("q1", wanted)
    assert decision.arguments_hash == arguments_hash(wanted)
    assert decision.granted is (verdict != "reject")


@pytest.mark.requirement("C6:silence")
def test_silence_grants_nothing() -> None:
    """Nobody's answer is kept as such, and is no yes."""
    decision = silent(question(), NOW)

    assert (decision.verdict, decision.granted) == ("silence", False)
