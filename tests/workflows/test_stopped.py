"""A step that used up its retries stops the run, which says why and waits."""

from datetime import timedelta

import pytest
from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError

from agents.toolkit import ToolUnavailableError
from domain.budget import Limits
from domain.run import Outcome
from runtime.runs import Runs
from tests.fakes import busy, call, calls, refused
from tests.workflows.stage import Stage, agent
from tests.workflows.world import World, reading, writing
from workflows import policies

AWAY = ToolUnavailableError("the ledger is being moved", retry_after=timedelta(milliseconds=10))


@pytest.mark.requirement("C5:stopped-model")
async def test_a_refused_key_stops_the_run_and_retry_goes_on(stage: Stage) -> None:
    """The run says which model, why and what to do; `retry` asks it again."""
    await stage.play(agent(), [refused("401: the key is wrong"), "done"])
    handle = await stage.start()

    status = await stage.stopped(handle)
    assert status.stop is not None
    await handle.signal("retry")
    result = await stage.result(handle)

    assert (status.state, status.stop.step) == ("STOPPED", "llm.think")
    assert "401: the key is wrong" in status.stop.reason
    assert "openai:gpt-5-mini" in status.stop.hint
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C5:retries-end")
async def test_a_provider_that_stays_down_stops_the_run(stage: Stage) -> None:
    """Its failures are retried as often as the policy says, and not forever."""
    await stage.play(agent(), [busy()] * 6 + ["done"])
    handle = await stage.start()

    status = await stage.stopped(handle)
    tried = len(stage.provider.asked)
    await handle.signal("retry")
    result = await stage.result(handle)

    assert tried == 6
    assert status.stop is not None
    assert "503: try again" in status.stop.reason
    assert (result.outcome, result.answer) == (Outcome.COMPLETED, "done")


@pytest.mark.requirement("C7:route")
async def test_the_next_model_of_the_route_is_tried_before_a_person(stage: Stage) -> None:
    """A route that is used up gives way to the next one, with the whole conversation."""
    route = ("openai:gpt-5-mini", "openai:gpt-5")
    script = [call("lookup", key="a"), refused(), "done"]
    await stage.play(agent(tools=[reading()], route=route), script)

    result = await stage.run()

    assert result.outcome is Outcome.COMPLETED
    assert [asked.model for asked in stage.provider.asked] == ["gpt-5-mini", "gpt-5-mini", "gpt-5"]
    assert stage.provider.asked[2].results == ["value of a"]


@pytest.mark.requirement("C5:stopped-abort")
async def test_abort_ends_a_stopped_run(stage: Stage) -> None:
    """The outcome names who ended it, where, and why it stood still."""
    await stage.play(agent(), [refused("quota is used up")])
    handle = await stage.start()
    await stage.stopped(handle)

    await handle.signal("abort", {"by": "erin"})
    result = await stage.result(handle)

    assert result.outcome is Outcome.ABORTED
    assert "erin" in result.reason
    assert "quota is used up" in result.reason


@pytest.mark.requirement("C5:stopped-tool")
@pytest.mark.parametrize(("way", "told"), [("skip", "error: put: "), ("retry", "put a: done")])
async def test_a_tool_that_stops_the_run_is_retried_or_skipped(
    stage: Stage, way: str, told: str
) -> None:
    """`retry` runs it again after the cause was mended; with `skip` the model gets the error."""
    world = World()
    put = writing(world, "put", fallback="stop", idempotent=True, attempts=1, trouble=[AWAY])
    await stage.play(agent(tools=[put]), [call("put", item="a"), "done"])
    handle = await stage.start()

    status = await stage.stopped(handle)
    await handle.signal(way)
    result = await stage.result(handle)

    assert status.stop is not None
    assert status.stop.step == "put"
    assert "being moved" in status.stop.reason
    assert told in stage.provider.asked[1].results[0]
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C5:stopped-tool")
async def test_a_model_call_cannot_be_skipped(stage: Stage) -> None:
    """`skip` makes no sense there: it is ignored and shown, and by update an error."""
    await stage.play(agent(), [refused(), "done"])
    handle = await stage.start()
    await stage.stopped(handle)

    await handle.signal("skip")
    status = await stage.until(handle, lambda status: status.ignored)
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update("unstop", {"verdict": "skip"})
    way = await handle.execute_update("unstop", {"verdict": "retry"})
    result = await stage.result(handle)

    assert "cannot be answered by skip" in status.ignored[0]
    assert way == "retry"
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C5:stopped-together")
async def test_two_reads_that_stop_are_put_one_after_the_other(stage: Stage) -> None:
    """One stop at a time; aborting at the first ends both, and the run closes as aborted."""
    tools = [reading({"a": ConnectionError("gone")}, name="lookup", fallback="stop", attempts=1)]
    wanted = [("lookup", {"key": "a"}), ("lookup", {"key": "a"}), ("lookup", {"key": "ok"})]
    await stage.play(agent(tools=tools), [calls(*wanted)])
    handle = await stage.start()
    await stage.stopped(handle)

    await handle.signal("abort")
    result = await stage.result(handle)

    assert result.outcome is Outcome.ABORTED


@pytest.mark.requirement("C5:stopped-timeout")
async def test_a_stopped_run_that_nobody_comes_to_fails_with_its_summary(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After seven days (here: half a second) it fails, and what it came to is kept."""
    monkeypatch.setattr(policies, "STOPPED_TIMEOUT", timedelta(milliseconds=500))
    await stage.play(agent(tools=[reading()]), [call("lookup", key="a"), refused("no quota")])
    handle = await stage.start()

    assert await stage.closed(handle) is WorkflowExecutionStatus.FAILED
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    kept = await Runs(stage.database).get(handle.id)

    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "StoppedTooLong"
    assert "no quota" in caught.value.cause.message
    assert kept is not None
    assert kept.outcome == "failed"
    assert kept.result is not None
    assert '"tool_calls":1' in kept.result


@pytest.mark.requirement("C5:stopped-is-free")
async def test_standing_still_is_no_work(stage: Stage) -> None:
    """The wall clock does not run while a run is stopped."""
    await stage.play(agent(limits=Limits(wall_clock_s=2.0)), [refused(), "done"])
    handle = await stage.start()
    await stage.stopped(handle)

    waiting = await stage.client.start_workflow(  # passes more than the run's wall clock
        "AgentWorkflow",
        {"agent": "tester", "task": "a", "limits": {"wall_clock_s": 2.2}},
        id=f"{handle.id}-clock",
        task_queue=stage.queue,
    )
    stage.provider.script = lambda asked: "done" if asked.said != "a" else busy()
    await stage.closed(waiting)
    await handle.signal("retry")
    result = await stage.result(handle)

    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C2:schema-changed")
async def test_a_tool_that_is_no_longer_the_one_the_run_knows_stops_the_run(stage: Stage) -> None:
    """A changed schema runs nothing; `skip` tells the model."""
    world = World()
    script = [refused(), call("put", item="a"), "done"]
    await stage.play(agent(tools=[writing(world, "put")]), script)
    handle = await stage.start()
    await stage.stopped(handle)
    await stage.stop()
    stage.agents = {"tester": agent(tools=[writing(world, "put", effect="irreversible")])}
    await stage.serve()

    await handle.signal("retry")
    status = await stage.until(handle, lambda s: s.stop and s.stop.step == "put")
    await handle.signal("skip")
    result = await stage.result(handle)

    assert status.stop is not None
    assert "deploy the version that the run knows" in status.stop.reason
    assert world.done == []
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C2:spec-kept")
async def test_a_run_keeps_the_spec_it_started_with(stage: Stage) -> None:
    """A deploy of another prompt and other limits changes nothing in a run under way."""
    await stage.play(agent(limits=Limits(steps=2)), [refused(), "done"])
    handle = await stage.start()
    await stage.stopped(handle)
    await stage.stop()
    stage.agents = {"tester": agent(limits=Limits(steps=1, tokens=1))}
    await stage.serve()

    await handle.signal("retry")
    result = await stage.result(handle)

    assert result.outcome is Outcome.COMPLETED
