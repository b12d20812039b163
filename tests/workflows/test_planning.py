"""The plan before the first turn."""

import json

import pytest

from domain.run import Outcome
from tests.fakes import calls
from tests.workflows.stage import Stage, agent
from tests.workflows.world import PATIENT, World, reading, writing

PLAN = '{"steps": [{"action": "look it up", "tools": ["lookup"]}]}'


@pytest.mark.requirement("C2:plan")
async def test_a_plan_that_fits_is_accepted_before_the_first_turn(stage: Stage) -> None:
    """The model is asked for a plan first; the steps are shown, and then it begins."""
    await stage.play(agent(plan="checked", tools=[reading()]), [PLAN, "done"])

    handle = await stage.start()
    result = await stage.result(handle)

    assert [asked.purpose for asked in stage.provider.asked] == ["plan", "turn"]
    assert stage.provider.asked[1].said == "The plan is accepted. Begin."
    assert (await stage.status(handle)).plan == ("look it up",)
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C2:plan-refused")
@pytest.mark.parametrize("verdict", ["approve", "reject"])
async def test_three_refused_plans_go_to_a_person(stage: Stage, verdict: str) -> None:
    """Each refusal says why; then a person lets the run begin without one, or ends it."""
    wrong = ["no plan", '{"steps": []}', '{"steps": [{"action": "a", "tools": ["invented"]}]}']
    spec = agent(plan="checked", tools=[reading()], approvals=PATIENT)
    await stage.play(spec, [*wrong, "done"])
    handle = await stage.start()

    question = await stage.asked(handle)
    await handle.signal(verdict)
    result = await stage.result(handle)

    assert question["kind"] == "no_plan"
    assert "unknown tool 'invented'" in question["why"]
    assert "The plan was refused" in stage.provider.asked[1].said
    assert result.outcome is (Outcome.COMPLETED if verdict == "approve" else Outcome.ABORTED)


@pytest.mark.requirement("C2:plan-refused")
async def test_a_plan_over_the_budget_is_refused(stage: Stage) -> None:
    """More steps with tools than model calls are left cannot be followed."""
    many = json.dumps({"steps": [{"action": "look", "tools": ["lookup"]}] * 40})
    await stage.play(agent(plan="checked", tools=[reading()]), [many, PLAN, "done"])

    await stage.run()

    assert "41 model calls and 29 are left" in stage.provider.asked[1].said


@pytest.mark.requirement("C2:plan-calls")
async def test_calls_in_the_place_of_a_plan_are_answered(stage: Stage) -> None:
    """Each gets a refusal, or no vendor would read the conversation any more; none runs."""
    world = World()
    spec = agent(plan="checked", tools=[reading(), writing(world)])
    early = calls(("lookup", {"key": "a"}), ("put", {"item": "a"}))
    await stage.play(spec, [early, PLAN, "done"])

    result = await stage.run()

    second = stage.provider.asked[1]
    assert [m.call_id for m in second.messages if m.role == "tool"] == ["call-0", "call-1"]
    assert "refused" in second.results[0]
    assert (world.done, result.outcome) == ([], Outcome.COMPLETED)


@pytest.mark.requirement("C2:plan-approved")
async def test_a_plan_is_approved_or_changed_where_the_policy_says_so(stage: Stage) -> None:
    """The person's plan is told to the model and is the one that is shown."""
    spec = agent(plan="approved", tools=[reading()], approvals=PATIENT)
    await stage.play(spec, [PLAN, "done"])
    handle = await stage.start()
    question = await stage.asked(handle)
    other = {"steps": [{"action": "think first"}]}

    await handle.signal("modify", {"arguments": {"steps": []}})
    await stage.until(handle, lambda status: status.ignored)
    await handle.signal("modify", {"arguments": other})
    await stage.result(handle)

    assert question["arguments"] == {"steps": [{"action": "look it up", "tools": ["lookup"]}]}
    assert (await stage.status(handle)).plan == ("think first",)
    assert any("think first" in message.text for message in stage.provider.asked[1].messages)
