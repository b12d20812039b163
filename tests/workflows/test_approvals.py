"""A person decides: what counts as an answer, what it is bound to, and what silence means."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import (
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError

from agents.toolkit import Agent
from domain.approval import arguments_hash
from domain.run import Outcome
from domain.spec import ApprovalPolicy
from tests.fakes import Say, call
from tests.workflows.stage import Handle, Stage, agent, eventually
from tests.workflows.world import World, reading, writing


def payer(world: World, **approvals: Any) -> Agent:
    """Return an agent with one irreversible tool."""
    told: dict[str, Any] = {"timeout": timedelta(minutes=5)} | approvals
    return agent(
        tools=[writing(world, "pay", effect="irreversible", idempotent=True), reading()],
        approvals=ApprovalPolicy(**told),
    )


async def opened(stage: Stage, world: World, **approvals: Any) -> tuple[Handle, dict[str, Any]]:
    """Start a run that asks before it pays; return it and its question."""
    script = [call("pay", item="10"), "done"]
    await stage.play(payer(world, **approvals), script)
    handle = await stage.start()
    return handle, await stage.asked(handle)


@pytest.mark.requirement("C6:empty-approve")
async def test_an_empty_approve_runs_exactly_what_was_shown(stage: Stage) -> None:
    """The UI's empty dialog answers the one open question; the decision is kept."""
    world = World()
    handle, question = await opened(stage, world)
    assert world.done == []

    await handle.signal("approve")
    result = await stage.result(handle)

    assert world.done == ["pay 10"]
    assert question["arguments"] == {"item": "10"}
    assert [decision.verdict for decision in result.decisions] == ["approve"]
    assert result.decisions[0].approval_id == question["id"]


@pytest.mark.requirement("C6:bound-to-arguments")
async def test_an_approval_is_bound_to_the_arguments_that_ran(stage: Stage) -> None:
    """The decision's hash is that of the arguments that the tool was given."""
    world = World()
    handle, _ = await opened(stage, world)

    await handle.signal("approve", {"by": "bob", "reason": "checked"})
    result = await stage.result(handle)

    decision = result.decisions[0]
    assert decision.arguments_hash == arguments_hash(result.writes[0].arguments)
    assert (decision.by, decision.reason) == ("bob", "checked")


@pytest.mark.requirement("C6:reject")
async def test_a_rejected_call_never_reaches_the_tool(stage: Stage) -> None:
    """The model is told the reason, and what was refused stays in the result."""
    world = World()
    handle, _ = await opened(stage, world)

    await handle.signal("reject", {"reason": "too much"})
    result = await stage.result(handle)

    assert world.done == []
    assert stage.provider.asked[1].results == ["not approved: too much; it was not run"]
    assert "too much" in result.not_done[0]
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C6:modify")
async def test_modified_arguments_run_in_place_of_the_models(stage: Stage) -> None:
    """What runs is what the person wrote, and the decision says so."""
    world = World()
    handle, _ = await opened(stage, world)

    await handle.signal("modify", {"arguments": {"item": "5"}})
    result = await stage.result(handle)

    assert world.done == ["pay 5"]
    assert result.decisions[0].arguments == {"item": "5"}
    assert result.decisions[0].arguments_hash == arguments_hash({"item": "5"})


@pytest.mark.requirement("C6:modify-checked")
@pytest.mark.parametrize(
    "arguments",
    [{"item": 5}, {}, {"item": "5", "more": 1}, {"other": "5"}, {"item": "x" * 999_990}],
    ids=["type", "missing", "unknown", "other", "huge"],
)
async def test_modified_arguments_that_break_the_schema_change_nothing(
    stage: Stage, arguments: dict[str, Any]
) -> None:
    """By signal they are shown as ignored, by update they are an error; the question stays."""
    world = World()
    handle, question = await opened(stage, world)
    huge = len(str(arguments)) > 90_000

    await handle.signal("modify", {"arguments": arguments | ({"y": "y" * 99} if huge else {})})
    status = await stage.until(handle, lambda status: status.ignored)
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await stage.decide(handle, verdict="modify", arguments=arguments | {"z": [1]})

    assert "modify: " in status.ignored[0]
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "UnusableAnswer"
    now = await stage.status(handle)
    assert now.question is not None
    assert now.question["id"] == question["id"]
    assert world.done == []
    await handle.signal("approve")
    await stage.result(handle)
    assert world.done == ["pay 10"]


@pytest.mark.requirement("C6:other-answers")
async def test_answers_to_other_questions_change_nothing_and_are_shown(stage: Stage) -> None:
    """Unknown ids, an early one and a second one are ignored, with the reason."""
    world = World()
    handle, question = await opened(stage, world)

    await handle.signal("approve", {"approval_id": "another"})
    await handle.signal("modify")
    await handle.signal("retry")
    await stage.until(handle, lambda status: len(status.ignored) == 3)
    await handle.signal("reject", {"approval_id": question["id"]})
    await handle.signal("approve", {"approval_id": question["id"]})
    result = await stage.result(handle)

    assert world.done == []
    assert "not 'another'" in result.ignored[0]
    assert "modify needs" in result.ignored[1]
    assert "the run is not stopped" in result.ignored[2]
    assert [decision.verdict for decision in result.decisions] == ["reject"]


@pytest.mark.requirement("C6:other-answers")
async def test_an_old_answer_does_not_count_for_the_next_question(stage: Stage) -> None:
    """The id of a question that is closed approves nothing any more."""
    world = World()
    await stage.play(payer(world), [call("pay", item="1"), call("pay", item="2"), "done"])
    handle = await stage.start()
    first = await stage.asked(handle)
    await handle.signal("approve", {"approval_id": first["id"]})
    await stage.until(handle, lambda s: s.question and s.question["id"] != first["id"])

    await handle.signal("approve", {"approval_id": first["id"]})
    await stage.until(handle, lambda status: status.ignored)

    assert world.done == ["pay 1"]
    await handle.signal("abort", {"by": "carol"})
    result = await stage.result(handle)
    assert (result.outcome, world.done) == (Outcome.ABORTED, ["pay 1"])
    assert "carol" in result.reason


@pytest.mark.requirement("C6:decide")
async def test_the_update_answers_its_sender(stage: Stage) -> None:
    """`decide` returns the decision it made, and what it decided is done."""
    world = World()
    handle, question = await opened(stage, world)

    decision = await stage.decide(handle, verdict="modify", arguments={"item": "3"}, by="dan")
    result = await stage.result(handle)

    assert (decision.approval_id, decision.verdict) == (question["id"], "modify")
    assert world.done == ["pay 3"]
    assert result.decisions[0].by == "dan"


@pytest.mark.requirement("C6:decide")
async def test_two_updates_at_once_make_one_decision(stage: Stage) -> None:
    """Of two that race, one decides and the other's sender is told that it did not."""
    world = World()
    handle, _ = await opened(stage, world)

    answers = await asyncio.gather(
        stage.decide(handle, verdict="modify", arguments={"item": "1"}),
        stage.decide(handle, verdict="modify", arguments={"item": "2"}),
        return_exceptions=True,
    )
    await stage.result(handle)

    failed = [each for each in answers if isinstance(each, WorkflowUpdateFailedError)]
    assert len(failed) == 1
    assert len(world.done) == 1


@pytest.mark.requirement("C6:signal-survives")
async def test_an_answer_that_comes_while_no_worker_is_there_counts(stage: Stage) -> None:
    """The answer waits in the history for the worker, and is taken once."""
    world = World()
    handle, _ = await opened(stage, world)
    await stage.stop()

    await handle.signal("approve")
    await stage.serve()
    result = await stage.result(handle)

    assert (result.outcome, world.done) == (Outcome.COMPLETED, ["pay 10"])


@pytest.mark.requirement("C6:search-attributes")
async def test_a_run_that_waits_can_be_listed(stage: Stage) -> None:
    """State, agent, tenant and the open question are search attributes, and no arguments are."""
    world = World()
    handle, _ = await opened(stage, world)

    found = (await handle.describe()).search_attributes

    assert found["AwaitingApproval"] == [True]
    assert found["AgentState"] == ["PENDING_APPROVAL"]
    assert found["AgentName"] == ["tester"]
    assert found["Tenant"] == ["default"]
    await handle.signal("approve")
    await stage.result(handle)

    async def closed() -> bool:
        return (await handle.describe()).search_attributes["AwaitingApproval"] == [False]

    await eventually(closed)


@pytest.mark.requirement("C6:form")
async def test_the_question_is_a_form(stage: Stage) -> None:
    """It shows the request, what was done, why it asks, what runs and what each option does."""
    world = World()
    script = [call("lookup", key="a"), call("pay", item="10"), Say("done")]
    await stage.play(payer(world), script)
    handle = await stage.start("pay the bill")

    question = await stage.asked(handle)

    assert question["request"] == "pay the bill"
    assert question["done"][0] == 'lookup {"key": "a"}'
    assert "cannot be undone" in question["why"]
    assert [name for name, _ in question["options"]] == ["approve", "reject", "modify", "abort"]
    await handle.signal("reject")
    await stage.result(handle)
