"""What stands in for a tool that is gone, and what is undone."""

import asyncio
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus

from domain.budget import Limits
from domain.run import Outcome
from runtime.runs import Runs
from tests.fakes import call, refused
from tests.workflows.stage import Stage, activities_in, agent, eventually
from tests.workflows.world import World, reading, writing

GONE = ConnectionError("the line went dead")


@pytest.mark.requirement("C5:fallback-tool")
async def test_a_fallback_tool_answers_in_the_place_of_one_that_is_gone(stage: Stage) -> None:
    """The other tool gets the same arguments, and the model its result."""
    tools = [
        reading({"a": GONE}, name="first", attempts=1, fallback="second"),
        reading({"a": "from the second"}, name="second"),
    ]
    await stage.play(agent(tools=tools), [call("first", key="a"), "done"])

    result = await stage.run()

    assert stage.provider.asked[1].results == ["from the second"]
    assert result.not_done == ()


@pytest.mark.requirement("C5:fallback-tool")
async def test_fallbacks_in_a_circle_end_as_a_gap(stage: Stage) -> None:
    """Each is tried once; then the gap is told."""
    tools = [
        reading({"a": GONE}, name="first", attempts=1, fallback="second"),
        reading({"a": GONE}, name="second", attempts=1, fallback="first"),
    ]
    await stage.play(agent(tools=tools), [call("first", key="a"), "done"])

    handle = await stage.start()
    await stage.result(handle)

    acted = [name for name in activities_in(await handle.fetch_history()) if name != "llm.think"]
    assert acted == ["first", "second"]
    assert "second is not available" in stage.provider.asked[1].results[0]


def undoable(world: World) -> list[Any]:
    """Return two writes with a way back, and one without."""
    return [
        writing(world, "put", compensate="take"),
        writing(world, "book", compensate="take"),
        writing(world, "mail"),
        writing(world, "take"),
    ]


WRITES = [call("put", item="1"), call("book", item="2"), call("mail", item="3")]


@pytest.mark.requirement("C5:compensation")
async def test_a_cancelled_run_undoes_its_writes_in_reverse(stage: Stage) -> None:
    """Each compensation gets the call's arguments and its result; what has none is named."""
    world = World()
    await stage.play(agent(tools=undoable(world)), [*WRITES, refused()])
    handle = await stage.start()
    await stage.stopped(handle)

    await handle.cancel()

    assert await stage.closed(handle) is WorkflowExecutionStatus.CANCELED
    kept = await Runs(stage.database).get(handle.id)
    assert kept is not None
    assert kept.outcome == "cancelled"
    assert world.done[3:] == ["take 2", "take 1"]
    assert world.of[3:] == ["book 2: done", "put 1: done"]
    assert len(set(world.keys)) == 5


@pytest.mark.requirement("C5:compensation")
async def test_an_aborted_run_undoes_its_writes_and_says_what_it_could_not(stage: Stage) -> None:
    """The result names what was undone and what has no way back."""
    world = World()
    await stage.play(agent(tools=undoable(world)), [*WRITES, refused()])
    handle = await stage.start()
    await stage.stopped(handle)

    await handle.signal("abort")
    result = await stage.result(handle)

    assert result.undone == ("book", "put")
    assert result.writes == ()
    assert "mail was not undone" in result.not_done[0]


@pytest.mark.requirement("C5:compensation-on-cap")
@pytest.mark.parametrize("declared", [True, False])
async def test_a_cap_undoes_only_where_the_agent_says_so(stage: Stage, declared: bool) -> None:
    """A run that ends on a limit keeps what it wrote, unless declared otherwise."""
    world = World()
    spec = agent(tools=undoable(world), limits=Limits(steps=1), compensate_on_cap=declared)
    await stage.play(spec, [call("put", item="1")])

    result = await stage.run()

    assert result.outcome is Outcome.LIMIT
    assert world.done == (["put 1", "take 1"] if declared else ["put 1"])
    assert len(result.writes) == (0 if declared else 1)


@pytest.mark.requirement("C5:cancel-during-write")
async def test_a_cancel_lets_a_write_end_and_then_undoes_it(stage: Stage) -> None:
    """Half a write cannot be undone: it ends first, is noted, and goes back."""
    world = World()
    await stage.play(agent(tools=undoable(world)), [call("put", item="slow")])
    handle = await stage.start()
    await asyncio.wait_for(world.begun.wait(), 10)

    await handle.cancel()

    async def requested() -> bool:
        events = (await handle.fetch_history()).events
        return any(
            e.HasField("workflow_execution_cancel_requested_event_attributes") for e in events
        )

    await eventually(requested)
    assert world.done == ["put slow"]
    world.go.set()
    assert await stage.closed(handle) is WorkflowExecutionStatus.CANCELED
    assert world.done == ["put slow", "take slow"]


@pytest.mark.requirement("C5:cancel-in-doubt")
async def test_a_write_in_doubt_is_put_to_a_person_before_a_cancelled_run_closes(
    stage: Stage,
) -> None:
    """Their yes makes it a write, which is then undone."""
    world = World()
    tools = [writing(world, compensate="take", trouble=[GONE]), writing(world, "take")]
    await stage.play(agent(tools=tools), [call("put", item="slow")])
    handle = await stage.start()
    await asyncio.wait_for(world.begun.wait(), 10)

    await handle.cancel()
    world.go.set()
    question = await stage.asked(handle)
    await handle.signal("approve")

    assert question["kind"] == "in_doubt"
    assert await stage.closed(handle) is WorkflowExecutionStatus.CANCELED
    assert world.done == ["put slow", "take slow"]


@pytest.mark.requirement("C5:compensation-fails")
async def test_a_compensation_that_fails_is_named_and_the_others_go_on(stage: Stage) -> None:
    """Undoing does not stop at the first that cannot be undone."""
    world = World()
    tools = [writing(world, compensate="take"), writing(world, "take", trouble=[GONE])]
    await stage.play(agent(tools=tools), [call("put", item="1"), call("put", item="2"), refused()])
    handle = await stage.start()
    await stage.stopped(handle)

    await handle.signal("abort")
    result = await stage.result(handle)

    assert world.done == ["put 1", "put 2", "take 2", "take 1"]
    assert result.undone == ("put",)
    assert "put was not undone" in result.not_done[0]
