"""Effects happen once, or a person knows."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus

from agents.toolkit import ToolContext, ToolUnavailableError
from domain.budget import Limits
from domain.run import Outcome
from domain.tools import ToolSpec
from tests.fakes import Say, call, calls, refused
from tests.workflows.stage import Stage, activities_in, agent, eventually
from tests.workflows.world import World, reading, writing
from workflows import policies

GONE = ConnectionError("the line went dead")


# --- once


@pytest.mark.requirement("C6a:key-stable")
async def test_the_key_is_the_same_over_retries(stage: Stage) -> None:
    """A write that honours its key is retried freely, and happened once."""
    world = World()
    put = writing(world, idempotent=True, trouble=[GONE, GONE])
    await stage.play(agent(tools=[put]), [call("put", item="a"), "done"])

    result = await stage.run()

    assert world.done == ["put a"] * 3
    assert len(set(world.keys)) == len(world.kept) == 1
    assert stage.provider.asked[1].results == ["put a: done"]
    assert [write.key for write in result.writes] == [world.keys[0]]


@pytest.mark.requirement("C6a:key-stable")
async def test_two_equal_writes_of_one_run_have_two_keys(stage: Stage) -> None:
    """What the model asks for twice is two effects: by its turn, and by its position."""
    world = World()
    put = writing(world, idempotent=True)
    twice = calls(("put", {"item": "a"}), ("put", {"item": "a"}))
    await stage.play(agent(tools=[put]), [twice, call("put", item="a"), "done"])

    await stage.run()

    assert len(set(world.keys)) == len(world.done) == 3


@pytest.mark.requirement("C6a:key-stable")
async def test_a_model_that_names_its_call_otherwise_gets_the_same_key(stage: Stage) -> None:
    """The key leaves out the call's id, which changes when a resumed run asks again."""
    world, keys = World(), list[str]()
    put = writing(world, idempotent=True)
    for name in ("call-x", "call-y"):
        said = call("put", item="a")
        named = Say(calls=(said.calls[0].model_copy(update={"id": name}),))
        await stage.stop()
        await stage.play(agent(tools=[put]), [named, "done"])
        await stage.run(state={"lineage": "one-logical-run"})
        keys.append(world.keys[-1])

    assert keys[0] == keys[1]


@pytest.mark.requirement("C6a:tried-once")
async def test_a_write_that_cannot_honour_its_key_is_tried_once(stage: Stage) -> None:
    """After a failure that may have had its effect nothing is run again: a person is asked."""
    world = World()
    put = writing(world, attempts=5, trouble=[GONE])
    await stage.play(agent(tools=[put]), [call("put", item="a"), "done"])
    handle = await stage.start()

    question = await stage.asked(handle)
    await handle.signal("approve", {"reason": "seen in the books"})
    result = await stage.result(handle)

    assert world.done == ["put a"]
    assert (question["kind"], question["arguments"]) == ("in_doubt", {"item": "a"})
    assert "the line went dead" in question["why"]
    assert "a person confirmed it" in stage.provider.asked[1].results[0]
    assert [write.tool for write in result.writes] == ["put"]


@pytest.mark.requirement("C6a:person-in-doubt")
async def test_a_person_may_say_that_a_write_in_doubt_did_not_happen(stage: Stage) -> None:
    """The model is told so, and nothing counts as written."""
    world = World()
    await stage.play(agent(tools=[writing(world, trouble=[GONE])]), [call("put", item="a"), "ok"])
    handle = await stage.start()
    await stage.asked(handle)

    await handle.signal("reject")
    result = await stage.result(handle)

    assert "did not take effect" in stage.provider.asked[1].results[0]
    assert (result.writes, world.done) == ((), ["put a"])


@pytest.mark.requirement("C6a:nothing-happened")
async def test_a_write_that_surely_did_nothing_is_no_doubt(stage: Stage) -> None:
    """A service that was not there is a gap told to the model; nobody is asked."""
    world = World()
    put = writing(world, trouble=[ToolUnavailableError("closed for the night")])
    await stage.play(agent(tools=[put]), [call("put", item="a"), "done"])

    result = await stage.run()

    assert "put is not available" in stage.provider.asked[1].results[0]
    assert (world.done, result.writes, result.decisions) == ([], (), ())


@pytest.mark.requirement("C6a:refused-by-service")
async def test_a_write_that_its_service_refuses_is_news(stage: Stage) -> None:
    """The tool's own error is told; it is not written, not retried, not in doubt."""
    world = World()
    put = writing(world, idempotent=True)
    await stage.play(agent(tools=[put]), [call("put", item="refused"), "done"])

    result = await stage.run()

    assert stage.provider.asked[1].results == ["error: there is no room"]
    assert (world.done, result.writes) == ([], ())


# --- in doubt, and the tool can tell


@pytest.mark.requirement("C6a:reconcile")
@pytest.mark.parametrize(
    ("happened", "told", "written"),
    [(True, "took effect (found afterwards", 1), (False, "did not take effect", 0)],
)
async def test_a_tool_that_can_tell_is_asked_by_the_key(
    stage: Stage, happened: bool, told: str, written: int
) -> None:
    """Its yes or no settles the doubt without a person."""
    world, looked = World(), list[str]()

    async def reconcile(context: ToolContext) -> bool | None:
        looked.append(context.key)
        return happened

    put = writing(world, reconcile=reconcile, trouble=[GONE])
    await stage.play(agent(tools=[put]), [call("put", item="a"), "done"])

    result = await stage.run()

    assert looked == world.keys
    assert told in stage.provider.asked[1].results[0]
    assert (len(result.writes), result.decisions) == (written, ())


@pytest.mark.requirement("C6a:reconcile")
@pytest.mark.parametrize("breaks", [False, True], ids=["unknown", "broken"])
async def test_a_tool_that_cannot_tell_leaves_it_to_a_person(stage: Stage, breaks: bool) -> None:
    """Neither an unknown nor a reconcile that fails is taken for a no."""
    world = World()

    async def reconcile(context: ToolContext) -> bool | None:
        if breaks:
            raise ValueError(context.key)
        return None

    put = writing(world, reconcile=reconcile, trouble=[GONE])
    await stage.play(agent(tools=[put]), [call("put", item="a"), "done"])
    handle = await stage.start()

    question = await stage.asked(handle)
    await handle.signal("approve")
    await stage.result(handle)

    assert question["kind"] == "in_doubt"
    assert world.done == ["put a"]


@pytest.mark.requirement("C6a:timeout-in-doubt")
async def test_a_write_that_outlasts_its_timeout_is_in_doubt(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer in time is an unknown outcome, never a second try."""
    original = policies.tool

    def short(tool: ToolSpec) -> policies.Policy:
        policy = original(tool)
        policy["start_to_close_timeout"] = timedelta(seconds=1)
        return policy

    monkeypatch.setattr(policies, "tool", short)
    world = World()
    await stage.play(
        agent(tools=[writing(world, timeout=20, attempts=4)]), [call("put", item="slow"), "done"]
    )
    handle = await stage.start()

    question = await stage.asked(handle)
    world.go.set()
    await handle.signal("reject")
    await stage.result(handle)

    assert question["kind"] == "in_doubt"
    assert world.done == ["put slow"]


# --- in order


@pytest.mark.requirement("C2:writes-in-order")
async def test_writes_run_one_by_one_after_the_reads(stage: Stage) -> None:
    """In the model's order, and never beside each other."""
    world = World()
    wanted: list[tuple[str, dict[str, Any]]] = [
        ("put", {"item": "1"}), ("lookup", {"key": "a"}), ("put", {"item": "2"}),
        ("lookup", {"key": "b"}), ("put", {"item": "3"}),
    ]  # fmt: skip
    await stage.play(agent(tools=[writing(world), reading()]), [calls(*wanted), "done"])

    handle = await stage.start()
    await stage.result(handle)

    acted = [name for name in activities_in(await handle.fetch_history()) if name != "llm.think"]
    assert acted == ["lookup", "lookup", "put", "put", "put"]
    assert world.done == ["put 1", "put 2", "put 3"]
    assert [text.split(":")[0] for text in stage.provider.asked[1].results] == [
        "put 1", "value of a", "put 2", "value of b", "put 3",
    ]  # fmt: skip


# --- fallbacks


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


# --- undone


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
