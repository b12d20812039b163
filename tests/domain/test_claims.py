"""An answer's parts: what it says, and the answer without what does not hold."""

from typing import Any

import pytest

from domain.claims import droppable, units, without
from domain.evidence import calls_made, shown
from domain.messages import Message, ToolCall
from domain.selfcheck import CriticPolicy, CriticVerdict, Judged, Review, SelfChecks
from domain.tools import Effect, ToolSpec

ANSWER: dict[str, Any] = {
    "order": "A-17",
    "paid": True,
    "lines": [{"item": "lamp", "cents": 4900}, {"item": "desk", "cents": 700}],
    "note": "It came broken. The customer wrote on 3 May, and 4900 cents go back to the same card.",
    "confidence": 0.9,
    "empty": None,
}


@pytest.mark.requirement("C5.2:claims-covered")
def test_every_value_and_every_sentence_is_a_part() -> None:
    """Values stand whole, prose by the sentence; how sure the model is claims nothing."""
    said = units(ANSWER)

    assert [(each.path, each.text) for each in said if not each.prose] == [
        ("order", "A-17"),
        ("paid", "true"),
        ("lines/0/item", "lamp"),
        ("lines/0/cents", "4900"),
        ("lines/1/item", "desk"),
        ("lines/1/cents", "700"),
    ]
    assert next(each.text for each in said if each.prose) == "It came broken."
    assert len([each for each in said if each.prose]) == 2


@pytest.mark.requirement("C5.2:claims-covered")
def test_only_the_fields_that_are_asked_for_make_claims() -> None:
    """A field stands for all that is below it, and not for one whose name begins alike."""
    assert {each.path for each in units(ANSWER, ["lines/1", "ord"])} == {
        "lines/1/item",
        "lines/1/cents",
    }


@pytest.mark.requirement("C5.2:claims-drop")
def test_whole_items_and_whole_sentences_are_taken_out() -> None:
    """What cannot be taken out by itself stays, and so does everything else."""
    said = units(ANSWER)
    out = [each for each in said if each.path == "lines/1/cents"]

    left = without(ANSWER, out, ["lines"])

    assert left == {**ANSWER, "lines": ANSWER["lines"][:1]}
    assert ANSWER["lines"][1]["cents"] == 700
    assert droppable("order", ["lines"]) is None
    assert droppable("lines_of/0", ["lines"]) is None
    text = "It is so. It was not. Hm."
    assert without(text, [units(text)[1]], ["answer"]) == "It is so. Hm."


@pytest.mark.requirement("C5.2:critic-data")
def test_evidence_is_what_ran_and_the_last_of_it_comes_first_into_its_size() -> None:
    """A refused call brought nothing; what is cut says so, and what is left out is counted."""
    messages = [
        Message(
            role="assistant",
            calls=tuple(
                ToolCall(id=str(n), name="look", arguments=f'{{"n": {n}}}') for n in range(4)
            ),
        ),
        Message(role="tool", call_id="0", text="first"),
        Message(role="tool", call_id="1", text="refused: no"),
        Message(role="tool", call_id="2", text="x" * 30),
        Message(role="tool", call_id="3", text="y" * 30),
    ]

    made = calls_made(messages)
    text = shown(made, 40)

    assert [call.arguments["n"] for call in made] == [0, 2, 3]
    assert "y" * 30 in text
    assert "x" * 10 + " [cut]" in text
    assert "(1 results before these are not shown)" in text


@pytest.mark.requirement("C5.2:critic-silent")
@pytest.mark.parametrize(
    "said",
    [
        '{"verdict": "revise", "reasons": [" "]}',
        '{"verdict": "accept"}',
        '{"verdict": "accept", "x": 1}',
    ],
)
def test_a_verdict_without_reasons_or_form_is_none(said: str) -> None:
    """Nobody would know what to change."""
    with pytest.raises(ValueError, match=r"reasons|x"):
        CriticVerdict.model_validate_json(said)


@pytest.mark.requirement("C5.2:critic-write")
def test_a_policy_names_what_is_reviewed() -> None:
    """All writes are the irreversible ones too, and not the other way round."""

    def tool(effect: Effect) -> ToolSpec:
        return ToolSpec(name="t", description="d", parameters={}, effect=effect)

    every, some = CriticPolicy(reviews=("writes",)), CriticPolicy(reviews=("irreversible",))
    assert [every.subject(tool(each)) for each in Effect] == [None, "writes", "irreversible"]
    assert [some.subject(tool(each)) for each in Effect] == [None, None, "irreversible"]


@pytest.mark.requirement("C5.2:account")
def test_the_account_survives_its_way_through_a_history() -> None:
    """Counts that change in place are carried over, also those that stand at their default."""
    checks = SelfChecks()
    for number in range(3):
        checks.review(Review(of="put", verdict="revise", then="back", turn=number))
    checks.judge([Judged(claim="c", finding="unsupported", then="back", turn=1)])
    checks.judge([Judged(claim="d", finding="supported", then="stands", turn=2)])

    again = SelfChecks.model_validate_json(checks.model_dump_json(exclude_unset=True))

    assert (again.backs, again.verified_back) == ({"put": 3}, 1)
    assert [each.claim for each in again.claims] == ["c", "d"]
    assert SelfChecks().empty
    assert not again.empty
    assert again.handed_on().backs == {}
    assert again.handed_on().reviews == again.reviews
