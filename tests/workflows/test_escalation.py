"""A refused answer: again with the reasons, then a larger model, then a person."""

import pytest

from domain.selfcheck import EscalationPolicy
from tests.fakes import answer, call, refused
from tests.workflows.stage import Stage
from tests.workflows.test_answers import judge
from tests.workflows.world import reading

LARGER = EscalationPolicy(route=("openai:gpt-5",))


@pytest.mark.requirement("C5.2:ladder", "C5.2:account")
async def test_the_last_try_is_a_larger_models_with_the_conversation(stage: Stage) -> None:
    """It reads the whole conversation, and no turn is bought twice."""
    script = [call("lookup", key="a"), "no", "still no", answer(found=True, confidence=1)]
    await stage.play(judge(tools=[reading()], revisions=1, escalation=LARGER), script)

    result = await stage.run()

    asked = stage.provider.asked
    assert [each.model for each in asked] == ["gpt-5-mini"] * 3 + ["gpt-5"]
    assert [m.id for m in asked[3].messages][: len(asked[2].messages)] == [
        m.id for m in asked[2].messages
    ]
    assert stage.provider.bought_twice == 0
    assert result.answer == {"found": True, "confidence": 1.0}
    assert result.checks is not None
    assert result.checks.escalated == 1


@pytest.mark.requirement("C5.2:ladder")
async def test_what_the_larger_model_cannot_say_either_is_put_before_a_person(
    stage: Stage,
) -> None:
    """Where it is down, the agent's own model gives the answer."""
    script = ["no", refused(), "no again"]
    await stage.play(judge(revisions=0, escalation=LARGER), script)
    handle = await stage.start()
    question = await stage.asked(handle)

    await handle.signal("modify", {"arguments": {"found": True, "confidence": 1}})
    result = await stage.result(handle)

    assert "refused 2 times" in question["why"]
    assert [each.model for each in stage.provider.asked] == ["gpt-5-mini", "gpt-5", "gpt-5-mini"]
    assert result.answer == {"found": True, "confidence": 1}
