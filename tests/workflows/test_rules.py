"""Rules over a run's history, in runs: what carries the history along, and what counts."""

import json
from collections.abc import Sequence
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client

from domain.run import Outcome
from domain.state import AgentState
from tests.fakes import Step, call, refused
from tests.workflows.ruled import ruled, turn
from tests.workflows.stage import Handle, Stage
from tests.workflows.world import PATIENT, World

# What a run does before it is carried along, and then: tool, item, whether it may.
BEFORE = [
    ("lookup", "a"), ("lookup", "b"), ("close", "1"), ("mail", "x"), ("mail", "y"), ("pay", "60"),
    ("dial", "x"), ("dial", "y"), ("book", "seat"),
]  # fmt: skip
AFTER = [
    ("refund", "a", True), ("refund", "z", False), ("note", "2", True), ("note", "1", False),
    ("mail", "x", True), ("mail", "y", False), ("pay", "30", True), ("pay", "50", False),
    ("dial", "x", True), ("dial", "z", False), ("ship", "a", True), ("ship", "b", False),
]  # fmt: skip


def held(results: Sequence[str]) -> None:
    """Check that exactly what breaks a rule was refused, and says which rule."""
    for (tool, item, may), text in zip(AFTER, results[-len(AFTER) :], strict=True):
        if may:
            assert text == (f"{tool} {item}: done"), (tool, item)
        else:
            assert json.loads(text.removeprefix("refused: "))["by"] == "rules", (tool, item, text)


ENDING: list[Step] = [turn(AFTER), "too early", call("confirm", item="seat"), "done"]


@pytest.mark.requirement("C5.3:rules-hold")
async def test_all_rules_hold_through_continue_as_new(stage: Stage, impatient: Client) -> None:
    """What was done before the history was begun anew still counts, for each form."""
    stage.client, world = impatient, World()
    padding = [call("lookup", key=str(number)) for number in range(6)]
    await stage.play(ruled(world), [turn(BEFORE), *padding, *ENDING])

    result = await stage.run()

    assert result.continued >= 1
    assert result.outcome is Outcome.COMPLETED
    held(stage.provider.asked[-3].results)
    assert "confirm" in stage.provider.asked[-2].said
    assert {each.by for each in result.rejections} == {"rules"}


@pytest.mark.requirement("C5.3:rules-hold")
async def test_all_rules_hold_through_a_resume(stage: Stage) -> None:
    """A reset forgets the last turn; what was done before it counts, and nothing twice."""
    world = World()
    script = [turn(BEFORE), call("lookup", key="c"), refused(), *ENDING]
    await stage.play(ruled(world), script)
    handle = await stage.start()
    await stage.stopped(handle)

    await reset(stage, handle, keep=2)
    result = await stage.result(stage.client.get_workflow_handle(handle.id))

    assert result.outcome is Outcome.COMPLETED
    held(stage.provider.asked[-3].results)
    assert world.done.count("pay 60") == 1


@pytest.mark.requirement("C5.3:rules-hold")
async def test_all_rules_hold_in_a_fork(stage: Stage) -> None:
    """What the original did before the fork counts; what it did after it does not."""
    world = World()
    later = [call("mail", item="z"), call("pay", item="39"), call("close", item="2"), "x"]
    await stage.play(ruled(world, revisions=0, approvals=PATIENT), [turn(BEFORE), *later, *ENDING])
    first = await stage.start()
    await stage.asked(first)  # the answer owes a confirmation: a person is asked at once
    await stage.decide(first, verdict="approve")
    await stage.result(first)

    state = await first.query("snapshot", 1, result_type=AgentState)
    state = state.model_copy(update={"lineage": uuid4().hex})
    stage.agents["tester"] = ruled(world)
    second = await stage.start(state=state.model_dump(mode="json"), forked_from=first.id)
    question = await stage.asked(second)
    await stage.decide(second, verdict="approve")
    await stage.result(second)

    held(stage.provider.asked[-1].results)
    assert question["kind"] == "answer"


async def reset(stage: Stage, handle: Handle, keep: int) -> None:
    """Take a run up again from before its model call number `keep` + 1."""
    history = await handle.fetch_history()
    kind = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    thinks = [
        event.activity_task_scheduled_event_attributes.workflow_task_completed_event_id
        for event in history.events
        if event.event_type == kind
        and event.activity_task_scheduled_event_attributes.activity_type.name == "llm.think"
    ]
    await stage.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=stage.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=handle.id),
            reason="test",
            workflow_task_finish_event_id=thinks[keep],
            request_id=uuid4().hex,
        )
    )
