"""An answer's claims are looked up by somebody who does not see them."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pydantic import BaseModel, Field

from agents.toolkit import Agent
from domain.selfcheck import VerificationPolicy
from tests.fakes import Asked, Step, answer, call, refused
from tests.workflows.stage import Stage, activities_in, agent
from tests.workflows.world import PATIENT, reading

ORDER = '{"order_id": "A-17", "item": "lamp", "paid_cents": 4900}'


class Line(BaseModel):
    """One thing that was found."""

    item: str
    cents: int


class Found(BaseModel):
    """A typed answer."""

    total: int
    lines: list[Line] = Field(default_factory=list[Line])


def verified(**changes: Any) -> Agent:
    """Return an agent whose answers are verified."""
    policy = VerificationPolicy(**changes.pop("policy", {}))
    told: dict[str, Any] = {
        "tools": [reading({"A-17": ORDER}, source="ours"), reading({"x": "x"}, name="fresh")],
        "answer": Found,
        "verification": policy,
        "approvals": PATIENT,
    } | changes
    return agent(**told)


def claims(*listed: tuple[int, str, str]) -> str:
    """List claims: the part's number, its value, and the question."""
    told = [
        {"of": number, "part": value, "value": value, "question": question}
        for number, value, question in listed
    ]
    return json.dumps({"claims": told})


def answers(*said: tuple[str, str]) -> str:
    """Answer questions in order, each with its quotation; nothing was found for an empty one."""
    told = [
        {"question": number, "found": bool(text), "answer": text, "quotes": [quote] if text else []}
        for number, (text, quote) in enumerate(said, 1)
    ]
    return json.dumps({"answers": told})


def script(
    own: Sequence[Step], claimed: Sequence[str], checked: Sequence[str], asked: Sequence[str] = ()
) -> Callable[[Asked], Step]:
    """Return what the agent says, and what those who check it say."""
    left = {
        "tester": [*own],
        "tester_claims": [*claimed],
        "tester_verify": [*checked],
        "tester_lookup": [*asked],
    }

    def said(request: Asked) -> Step:
        mine = left[request.agent]
        return mine.pop(0) if mine else refused(f"no more for {request.agent}")

    return said


PAID = (1, "4900", "How many cents were paid for the order?")
HELD = ("4900", '"paid_cents": 4900')


@pytest.mark.requirement("C5.2:claims-unseen", "C5.2:account")
async def test_who_looks_a_claim_up_sees_neither_claim_nor_answer(stage: Stage) -> None:
    """It sees the question and what the calls brought; a claim that holds stands."""
    said = script([call("lookup", key="A-17"), answer(total=4900)], [claims(PAID)], [answers(HELD)])
    await stage.play(verified(), said)

    result = await stage.run("what was paid for A-17?")

    looked = next(each for each in stage.provider.asked if each.agent == "tester_verify")
    assert "How many cents were paid" in looked.said
    assert '"total"' not in looked.said
    assert ORDER in looked.said
    assert looked.said.count("4900") == 1
    assert result.answer == {"total": 4900}
    assert result.checks is not None
    assert [(each.claim, each.finding, each.then) for each in result.checks.claims] == [
        ("4900", "supported", "stands")
    ]


@pytest.mark.requirement("C5.2:claims-back")
async def test_a_claim_that_does_not_hold_goes_back_with_the_reason(stage: Stage) -> None:
    """The model answers again; once more, and a person decides."""
    wrong = (1, "5900", "How many cents were paid for the order?")
    said = script(
        [call("lookup", key="A-17"), answer(total=5900), answer(total=5900)],
        [claims(wrong)] * 2,
        [answers(HELD)] * 2,
    )
    await stage.play(verified(), said)
    handle = await stage.start()
    question = await stage.asked(handle)

    await handle.signal("modify", {"arguments": {"total": 4900}})
    result = await stage.result(handle)

    back = next(each for each in stage.provider.asked if "was refused" in each.said)
    assert "total: '5900' is contradicted" in back.said
    assert "'4900'" in back.said
    assert "not all of it holds" in question["why"]
    assert result.answer == {"total": 4900}
    assert result.checks is not None
    assert [each.then for each in result.checks.claims] == ["back", "person"]


@pytest.mark.requirement("C5.2:claims-drop")
async def test_items_that_nothing_bears_out_are_taken_out(stage: Stage) -> None:
    """The rest of the answer stands, and the result says what was taken out and why."""
    lines = [{"item": "lamp", "cents": 4900}, {"item": "desk", "cents": 700}]
    listed = claims(
        PAID,
        (2, "lamp", "What was bought with order A-17?"),
        (3, "4900", "How many cents did the first item cost?"),
        (4, "desk", "What was the second item?"),
        (5, "700", "How many cents did the second item cost?"),
    )
    held = answers(HELD, ("lamp", '"item": "lamp"'), HELD, ("", ""), ("", ""))
    said = script([call("lookup", key="A-17"), answer(total=4900, lines=lines)], [listed], [held])
    await stage.play(verified(policy={"drops": ("lines",)}), said)

    result = await stage.run()

    assert result.answer == {"total": 4900, "lines": lines[:1]}
    assert any("taken out of the answer: desk" in each for each in result.not_done)


@pytest.mark.requirement("C5.2:claims-covered", "C5.2:claims-leading")
@pytest.mark.parametrize(
    "listed", [claims(), claims((1, "4900", "Was it 4900 that was paid?"))], ids=["none", "leading"]
)
async def test_what_cannot_be_asked_about_does_not_pass_unseen(stage: Stage, listed: str) -> None:
    """Who lists the claims is told once; what stays uncovered is unchecked, not verified."""
    said = script([answer(total=4900), answer(total=4900)], [listed] * 4, [])
    await stage.play(verified(revisions=1), said)
    handle = await stage.start()
    question = await stage.asked(handle)

    await handle.signal("approve")
    result = await stage.result(handle)

    again = [each for each in stage.provider.asked if each.agent == "tester_claims"][1]
    assert "What was wrong with your last list" in again.said
    assert "'4900' is unchecked" in question["why"]
    assert not [each for each in stage.provider.asked if each.agent == "tester_verify"]
    assert result.answer == {"total": 4900}


@pytest.mark.requirement("C5.2:claims-lookup")
async def test_a_claim_is_looked_up_by_a_tool_that_the_policy_names(stage: Stage) -> None:
    """The arguments are written from the question; the agent's own reading stays as it was."""
    tools = [reading({"A-17": ORDER}, name="fresh", source="ours")]
    said = script(
        [answer(total=4900)],
        [claims(PAID)],
        [answers(HELD)],
        ['{"calls": [{"tool": "fresh", "arguments": "{\\"key\\": \\"A-17\\"}"}]}'],
    )
    await stage.play(verified(tools=tools, policy={"sources": ("fresh",)}), said)

    handle = await stage.start("what was paid for A-17?")
    result = await stage.result(handle)

    asked = next(each for each in stage.provider.asked if each.agent == "tester_lookup")
    assert "How many cents were paid" in asked.said
    assert "# The answer" not in asked.said
    assert "fresh" in activities_in(await handle.fetch_history())
    assert (result.answer, result.tool_calls) == ({"total": 4900}, 0)


@pytest.mark.requirement("C5.2:claims-without")
@pytest.mark.parametrize("asks", [True, False])
async def test_an_answer_that_nobody_could_verify_means_what_is_declared(
    stage: Stage, asks: bool
) -> None:
    """It goes before a person, or on with a note."""
    await stage.play(
        verified(policy={"asks_without": asks}), script([answer(total=1)], ["what?", "pardon?"], [])
    )
    handle = await stage.start()
    if asks:
        question = await stage.asked(handle)
        assert "could not be verified" in question["why"]
        await handle.signal("approve")

    result = await stage.result(handle)

    assert result.answer == {"total": 1}
    assert result.checks is not None
    assert "cannot be understood" in result.checks.unverified
    assert bool(result.not_done) is not asks


@pytest.mark.requirement("C5.2:claims-unseen")
async def test_evidence_above_its_size_is_cut_to_what_the_questions_are_about(
    stage: Stage,
) -> None:
    """The passage that answers is shown, wherever it stands."""
    noise = "\n".join(f"row {number}: nothing of note here" for number in range(200))
    tools = [reading({"A-17": f"{noise}\nThe order was paid with 4900 cents.\n{noise}"})]
    held = answers(("4900 cents", "The order was paid with 4900 cents."))
    said = script([call("lookup", key="A-17"), answer(total=4900)], [claims(PAID)], [held])
    await stage.play(verified(tools=tools, policy={"evidence_bytes": 3_000}), said)

    result = await stage.run()

    looked = next(each for each in stage.provider.asked if each.agent == "tester_verify")
    assert len(looked.said) < 5_000
    assert result.answer == {"total": 4900}
