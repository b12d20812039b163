"""Hand-offs: another agent goes on instead, under the same id and in the same budget."""

import json

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowExecutionStatus

from agents.delegation import hand_off
from domain.budget import Limits
from domain.run import Outcome
from runtime.runs import Runs
from tests.fakes import call, calls, refused
from tests.workflows.stage import Stage
from tests.workflows.team import Errand, by_agent, team
from tests.workflows.test_delegating import MARKER
from tests.workflows.world import World, reading, writing

LEAVE = hand_off("helper", Errand, does="Leaves the rest to the helper.")


@pytest.mark.requirement("C4.1:hand-off")
async def test_the_other_agent_goes_on_under_the_same_id(stage: Stage) -> None:
    """Who waits for the run gets the helper's answer; the helper knows the task alone."""
    script = by_agent(caller=[call("hand_to_helper", item="milk")], helper=["it is fresh"])
    await stage.play(team([LEAVE]), script)

    result = await stage.run(MARKER)

    asked = stage.provider.asked[-1]
    assert [json.loads(message.text) for message in asked.messages] == [{"item": "milk"}]
    assert (result.agent, result.answer, result.handed) == ("helper", "it is fresh", ("caller",))
    assert result.spend.steps == 2
    assert result.spend.tokens == 60


@pytest.mark.requirement("C4.1:hand-off")
async def test_a_hand_off_brings_no_new_budget(stage: Stage) -> None:
    """The steps that the caller was given are all that both have, however they pass it on."""
    back = hand_off("caller", Errand, does="Gives it back.")
    agents = team([LEAVE], limits=Limits(steps=5), helper={"tools": [back]})
    script = by_agent(
        caller=[call("hand_to_helper", item="a")] * 9, helper=[call("hand_to_caller", item="a")] * 9
    )
    await stage.play(agents, script)

    result = await stage.run()

    assert result.outcome is Outcome.LIMIT
    assert result.spend.steps == 5
    assert len(stage.provider.sold) == 5
    assert result.handed == ("caller", "helper", "caller", "helper", "caller")


@pytest.mark.requirement("C4.1:hand-off-alone")
async def test_a_hand_off_beside_other_calls_is_refused(stage: Stage) -> None:
    """The others run, the model is told, and nothing is handed on."""
    both = calls(("hand_to_helper", {"item": "a"}), ("lookup", {"key": "b"}))
    await stage.play(team([LEAVE, reading()]), by_agent(caller=[both, "done"], helper=[]))

    result = await stage.run()

    refusal, found = stage.provider.asked[-1].results
    assert "must be the only call of its turn" in refusal
    assert found == "value of b"
    assert (result.agent, result.answer) == ("caller", "done")


@pytest.mark.requirement("C4.1:hand-off-undo")
async def test_what_was_written_before_a_hand_off_is_undone_with_the_rest(stage: Stage) -> None:
    """The second agent has no way back for it; the first one, asked again, has."""
    world = World()
    tools = [LEAVE, writing(world, compensate="take"), writing(world, "take")]
    script = by_agent(
        caller=[call("put", item="1"), call("hand_to_helper", item="a")], helper=[refused()]
    )
    await stage.play(team(tools), script)
    handle = await stage.start()
    await stage.until(handle, lambda status: status.stop and status.agent == "helper")

    await handle.cancel()

    assert await stage.closed(handle) is WorkflowExecutionStatus.CANCELED
    kept = await Runs(stage.database).result(handle.id)
    assert world.done == ["put 1", "take 1"]
    assert kept is not None
    assert json.loads(kept)["undone"] == ["caller: put"]


@pytest.mark.requirement("C4.1:once")
async def test_a_reset_takes_over_what_was_done_below(stage: Stage) -> None:
    """The caller forgets that the helper was asked; the helper's effect is not made again."""
    world = World()
    script = by_agent(
        caller=[call("ask_helper", item="a"), "done", "done again"],
        helper=[call("put", item="1"), "here"],
    )
    await stage.play(team(helper={"tools": [writing(world)]}), script)
    handle = await stage.start()
    await stage.result(handle)
    history = await stage.sound(handle)
    kinds = [event.event_type for event in history.events]
    started = kinds.index(EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED)
    tasks = [
        event.event_id
        for event in history.events[:started]
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    ]

    await stage.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=stage.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=handle.id),
            reason="test",
            workflow_task_finish_event_id=tasks[-1],
            request_id="again",
        )
    )

    again = stage.client.get_workflow_handle(handle.id)
    result = await stage.result(again)
    assert result.answer == "done again"
    assert stage.provider.asked[-1].results == ["here"]
    assert world.done == ["put 1"]
    assert result.spend.tokens == 120
