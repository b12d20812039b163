"""Nobody answers, or nobody is asked: what that means is declared."""

from datetime import timedelta

import pytest
from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowFailureError,
)
from temporalio.exceptions import ApplicationError

from domain.budget import Limits
from domain.run import AgentResult, Outcome
from domain.spec import ApprovalPolicy
from tests.fakes import call
from tests.workflows.stage import Stage, agent
from tests.workflows.test_approvals import opened, payer
from tests.workflows.world import World, writing

SOON = timedelta(milliseconds=300)


@pytest.mark.requirement("C6:silence")
async def test_silence_is_a_no_where_the_policy_says_reject(stage: Stage) -> None:
    """After its time the question is closed, nothing was run, and the run goes on."""
    world = World()
    await stage.play(payer(world, timeout=SOON), [call("pay", item="1"), "done"])

    result = await stage.run()

    assert world.done == []
    assert [decision.verdict for decision in result.decisions] == ["silence"]
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C6:silence")
async def test_silence_is_escalated_once_where_the_policy_says_so(stage: Stage) -> None:
    """The question is asked again of someone else, and their answer counts."""
    world = World()
    silence = {"timeout": timedelta(seconds=1), "silence": "escalate", "escalate_to": "the chief"}
    handle, first = await opened(stage, world, **silence)
    status = await stage.until(handle, lambda s: s.question and s.question["id"] != first["id"])

    await handle.signal("approve")
    result = await stage.result(handle)

    assert status.question is not None
    assert "the chief" in status.question["why"]
    assert status.question["silence"] == "the answer is no"
    assert world.done == ["pay 10"]
    assert [decision.verdict for decision in result.decisions] == ["approve"]


@pytest.mark.requirement("C6:silence")
async def test_silence_fails_the_run_where_the_policy_says_so(stage: Stage) -> None:
    """The run is closed as failed, and says what nobody answered."""
    world = World()
    policy = {"timeout": SOON, "silence": "fail"}
    await stage.play(payer(world, **policy), [call("pay", item="1"), "done"])

    handle = await stage.start()

    assert await stage.closed(handle) is WorkflowExecutionStatus.FAILED
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "ApprovalTimedOut"
    assert "run pay" in str(caught.value.cause)
    assert world.done == []


@pytest.mark.requirement("C6:waiting-is-free")
async def test_waiting_for_a_person_is_no_work(stage: Stage) -> None:
    """A run whose wall clock is shorter than the wait still finishes."""
    world = World()
    spec = agent(
        tools=[writing(world, "pay", effect="irreversible")],
        limits=Limits(wall_clock_s=2.5),
        approvals=ApprovalPolicy(timeout=timedelta(seconds=3)),
    )
    await stage.play(spec, [call("pay", item="1"), "done"])

    result = await stage.run()

    assert (result.outcome, world.done) == (Outcome.COMPLETED, [])


@pytest.mark.requirement("C6:dry-run")
async def test_a_dry_run_writes_nothing_and_asks_nobody(stage: Stage) -> None:
    """What would have been written is listed; no question is opened."""
    world = World()
    await stage.play(payer(world), [call("pay", item="9"), "done"])

    result = await stage.run(dry_run=True)

    assert (result.outcome, world.done, result.decisions) == (Outcome.COMPLETED, [], ())
    assert "pay" in result.not_done[0]
    assert "dry run" in stage.provider.asked[1].results[0]


@pytest.mark.requirement("C6:dry-run")
async def test_a_dry_run_with_a_bad_answer_asks_nobody_either(stage: Stage) -> None:
    """An answer that a person would have seen is listed as such, and the run ends."""
    await stage.play(agent(revisions=0), ["  "])

    result: AgentResult = await stage.run(dry_run=True)

    assert "a person would have been asked" in result.not_done[0]
    assert result.outcome is Outcome.COMPLETED
