"""Effects happen once, or a person knows."""

from datetime import timedelta
from typing import Any

import pytest

from agents.toolkit import ToolContext, ToolUnavailableError
from domain.tools import ToolSpec
from tests.fakes import Say, call, calls
from tests.workflows.stage import Stage, activities_in, agent
from tests.workflows.world import World, reading, writing
from workflows import policies

GONE = ConnectionError("the line went dead")


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
