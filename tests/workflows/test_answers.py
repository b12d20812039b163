"""What a model answers is sent back, put before a person, or accepted."""

from typing import Any

import pytest
from pydantic import BaseModel, Field

from agents.toolkit import Agent, AnswerToCheck
from domain.run import Outcome
from tests.fakes import Say, answer, call
from tests.workflows.stage import Stage, agent
from tests.workflows.world import PATIENT, reading


class Verdict(BaseModel):
    """A typed answer."""

    found: bool
    confidence: float = Field(ge=0, le=1)


def judge(**changes: Any) -> Agent:
    """Return an agent with a typed answer."""
    told: dict[str, Any] = {"answer": Verdict, "approvals": PATIENT} | changes
    return agent(**told)


@pytest.mark.requirement("C2:answer-schema")
async def test_an_answer_that_breaks_its_schema_goes_back_with_the_reason(stage: Stage) -> None:
    """The model is told what is wrong, and the typed answer is the result."""
    script = ["no JSON", answer(found="yes"), answer(found=True, confidence=0.9)]
    await stage.play(judge(), script)

    result = await stage.run()

    assert "the answer is not JSON" in stage.provider.asked[1].said
    assert "found" in stage.provider.asked[2].said
    assert result.answer == {"found": True, "confidence": 0.9}


@pytest.mark.requirement("C2:answer-person")
async def test_an_answer_that_stays_wrong_is_put_before_a_person(stage: Stage) -> None:
    """Who may write it themselves; one that breaks the schema too is not taken."""
    await stage.play(judge(revisions=1), ["no", "still no"])
    handle = await stage.start()
    question = await stage.asked(handle)

    await handle.signal("modify", {"arguments": {"found": 1}})
    await stage.until(handle, lambda status: status.ignored)
    await handle.signal("modify", {"arguments": {"found": False, "confidence": 1}})
    result = await stage.result(handle)

    assert (question["kind"], question["arguments"]) == ("answer", {"answer": "still no"})
    assert "refused 2 times" in question["why"]
    assert result.answer == {"found": False, "confidence": 1}


@pytest.mark.requirement("C6:confidence")
@pytest.mark.parametrize(("stated", "asks"), [(0.79, True), (0.8, False)])
async def test_an_unsure_answer_passes_a_person(stage: Stage, stated: float, asks: bool) -> None:
    """Under the threshold a person is asked; at it the answer stands."""
    policy = PATIENT.model_copy(update={"below_confidence": 0.8})
    await stage.play(judge(approvals=policy), [answer(found=True, confidence=stated)])
    handle = await stage.start()

    if asks:
        question = await stage.asked(handle)
        assert question["arguments"] == {"found": True, "confidence": stated}
        await handle.signal("approve")
    result = await stage.result(handle)

    assert result.answer == {"found": True, "confidence": stated}
    assert len(result.decisions) == int(asks)


@pytest.mark.requirement("C6:sample-rate")
async def test_a_sample_of_answers_passes_a_person_whatever_they_claim(stage: Stage) -> None:
    """With a rate of one, every answer does; their change to it is the result."""
    policy = PATIENT.model_copy(update={"sample_rate": 1})
    await stage.play(agent(approvals=policy), ["fine"])
    handle = await stage.start()
    question = await stage.asked(handle)

    await handle.signal("modify", {"arguments": {"answer": "better"}})
    result = await stage.result(handle)

    assert (question["why"], question["arguments"]) == (
        "it was drawn for review",
        {"answer": "fine"},
    )
    assert result.answer == "better"


@pytest.mark.requirement("C2:answer-person")
async def test_a_rejected_answer_goes_back_with_the_persons_reason(stage: Stage) -> None:
    """With a reason the model tries again; without one the run ends."""
    policy = PATIENT.model_copy(update={"sample_rate": 1})
    await stage.play(agent(approvals=policy), ["first", "second"])
    handle = await stage.start()
    first = await stage.asked(handle)

    await handle.signal("reject", {"reason": "name the account"})
    await stage.until(handle, lambda s: s.question and s.question["id"] != first["id"])
    await handle.signal("reject")
    result = await stage.result(handle)

    assert "name the account" in stage.provider.asked[1].said
    assert result.outcome is Outcome.ABORTED


@pytest.mark.requirement("C2:answer-rules")
async def test_an_agents_rule_sees_what_the_answer_rests_on(stage: Stage) -> None:
    """It gets the typed answer and the calls that ran, and its sentence goes to the model."""
    seen: list[AnswerToCheck] = []

    def rests_on_a_look(material: AnswerToCheck) -> list[str]:
        seen.append(material)
        return [] if material.made else ["look it up first"]

    final = answer(found=True, confidence=1)
    script = [final, call("lookup", key="a"), final]
    await stage.play(judge(tools=[reading()], checks=[rests_on_a_look]), script)

    result = await stage.run()

    assert "look it up first" in stage.provider.asked[1].said
    assert isinstance(seen[-1].answer, Verdict)
    assert [(made.tool, made.text) for made in seen[-1].made] == [("lookup", "value of a")]
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C2:answer-cut")
async def test_an_answer_that_was_cut_goes_back(stage: Stage) -> None:
    """A reply that ended at the output limit is not taken for whole."""
    await stage.play(agent(), [Say("half of it", finish="length"), "whole"])

    result = await stage.run()

    assert "cut at the output limit" in stage.provider.asked[1].said
    assert result.answer == "whole"


@pytest.mark.requirement("C2:answer-person")
@pytest.mark.parametrize("text", ['{"a": ' * 2_000, '{"found": NaN}', '{"found": 1e999}'])
async def test_an_answer_that_cannot_be_recorded_as_json_is_kept_as_text(
    stage: Stage, text: str
) -> None:
    """Approved by a person all the same, it is the text that it is."""
    await stage.play(judge(revisions=0), [text])
    handle = await stage.start()
    await stage.asked(handle)

    await handle.signal("approve")
    result = await stage.result(handle)

    assert result.answer == text
