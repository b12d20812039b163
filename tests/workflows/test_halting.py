"""The kill switch: a halted run stands still, loses nothing, and goes on by itself."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import WorkflowExecutionStatus

from activities.providers.base import ProviderReply
from agents.toolkit import Tool, tool
from domain.halts import Halt, Scope
from domain.run import Outcome, Status
from tests.fakes import call, calls
from tests.workflows.stage import Handle, Stage, agent, eventually
from tests.workflows.team import by_agent, team
from tests.workflows.world import World, writing
from workflows import policies


@pytest.fixture
def tenant() -> str:
    """A tenant of this test's own, so that its halts hold nobody else up."""
    return f"tenant-{uuid4().hex[:8]}"


async def halt(stage: Stage, name: str, scope: Scope = "tenant") -> Halt:
    """Halt something, as an operator would."""
    return (await stage.halts.place(scope, name, by="olga", reason="it went wild")).halt


async def unhalt(stage: Stage, halt: Halt, *handles: Handle) -> None:
    """Lift it, and tell the runs that wait."""
    await stage.halts.lift(halt.scope, halt.name, by="otto", reason="mended")
    for handle in handles:
        word = {"ids": [halt.id], "by": "otto", "reason": "mended"}
        await handle.signal("unhalted", word)


async def standing(stage: Stage, handle: Handle) -> Status:
    """Wait until a halt holds the run up."""
    return await stage.until(handle, lambda status: status.stop and status.stop.halted)


@asynccontextmanager
async def halted(stage: Stage, name: str, scope: Scope = "tenant") -> AsyncGenerator[Halt]:
    """Halt something for the time of a test."""
    placed = await halt(stage, name, scope)
    yield placed
    left = [each for each in await stage.halts.list() if each.id == placed.id]
    if left:
        await stage.halts.lift(scope, name, by="the test", reason="")


@pytest.mark.requirement("C5.6:halt-model", "C5.6:halt-free", "C5.6:halt-audit")
async def test_a_run_that_starts_halted_waits_at_its_first_call(stage: Stage, tenant: str) -> None:
    """Nothing is sent or spent; the run says who halted what and why; told, it goes on."""
    placed = await halt(stage, tenant)
    await stage.play(agent(), ["done"])
    handle = await stage.start(tenant=tenant)

    status = await standing(stage, handle)
    sold = len(stage.provider.asked)
    await unhalt(stage, placed, handle)
    result = await stage.result(handle)

    assert (status.state, status.spend.steps, sold) == ("STOPPED", 0, 0)
    assert status.stop is not None
    assert f"tenant {tenant!r} was halted by olga" in status.stop.reason
    assert "it went wild" in status.stop.reason
    assert f"unhalt tenant {tenant}" in status.stop.hint
    assert (result.outcome, result.spend.steps) == (Outcome.COMPLETED, 1)
    said = [(made.kind, made.verdict, made.by, made.reason) for made in result.decisions]
    assert said == [
        ("halt", "halt", "olga", "it went wild"),
        ("halt", "unhalt", "otto", "mended"),
    ]


@pytest.mark.requirement("C5.6:halt-free")
async def test_standing_halted_is_no_work(stage: Stage, tenant: str) -> None:
    """A run that may work for a second and a half is halted for longer, and ends all the same."""
    placed = await halt(stage, tenant)
    await stage.play(agent(), ["done"])
    handle = await stage.start(tenant=tenant, limits={"wall_clock_s": 1.5})
    stop = (await standing(stage, handle)).stop
    assert stop is not None

    await asyncio.sleep(1.6)  # time itself is what is tested
    await unhalt(stage, placed, handle)
    result = await stage.result(handle)

    assert result.outcome is Outcome.COMPLETED
    assert result.waited_s > 1.5


@pytest.mark.requirement("C5.6:halt-tool", "C5.6:halt-once")
async def test_parallel_calls_are_held_together_and_made_once(stage: Stage, tenant: str) -> None:
    """Two reads and a write of one turn: none begins while halted, each runs once after."""
    world, seen = World(), list[str]()
    tools = [looking(seen), writing(world, idempotent=True)]
    wanted = calls(("look", {"key": "a"}), ("look", {"key": "b"}), ("put", {"item": "c"}))
    await stage.play(agent(tools=tools), [wanted, "done"])
    placed = halt_after(stage, 1, tenant)
    handle = await stage.start(tenant=tenant)

    await standing(stage, handle)
    before = (list(seen), list(world.done))
    await unhalt(stage, placed[0], handle)
    result = await stage.result(handle)

    assert before == ([], [])
    assert (sorted(seen), world.done) == (["a", "b"], ["put c"])
    assert len(stage.provider.sold) == 2
    assert result.outcome is Outcome.COMPLETED
    assert [made.verdict for made in result.decisions] == ["halt", "unhalt"]


@pytest.mark.requirement("C5.6:halt-tool", "C5.6:halt-once")
async def test_a_write_under_way_ends_and_nothing_follows_it(stage: Stage, tenant: str) -> None:
    """It is let end and is recorded; the next model call is not made before the halt is lifted."""
    world = World()
    await stage.play(agent(tools=[writing(world)]), [call("put", item="slow"), "done"])
    handle = await stage.start(tenant=tenant)
    await world.begun.wait()

    placed = await halt(stage, tenant)
    world.go.set()
    await standing(stage, handle)
    sold = len(stage.provider.asked)
    await unhalt(stage, placed, handle)
    result = await stage.result(handle)

    assert (sold, world.done) == (1, ["put slow"])
    assert stage.provider.asked[1].results == ["put slow: done"]
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C5.6:halt-scope")
async def test_a_halt_holds_its_own_and_nobody_else(stage: Stage, tenant: str) -> None:
    """Another tenant's run, and another agent's of the same tenant, go on."""
    name = f"agent_{uuid4().hex[:8]}"
    await stage.play([agent(name), agent("other")], lambda _: "done")

    async with halted(stage, name, "agent"), halted(stage, tenant):
        held = [
            await stage.start(agent=name, tenant="elsewhere"),
            await stage.start(agent="other", tenant=tenant),
        ]
        free = await stage.run(agent="other", tenant="elsewhere")
        stops = [(await standing(stage, handle)).stop for handle in held]

    assert free.outcome is Outcome.COMPLETED
    assert [f"agent {name!r}" in str(stops[0]), f"tenant {tenant!r}" in str(stops[1])] == [True] * 2
    for handle in held:
        await handle.signal("unhalted")
        assert (await stage.result(handle)).outcome is Outcome.COMPLETED


@pytest.mark.requirement("C5.6:halt-scope")
async def test_a_halted_run_halts_those_below_it(stage: Stage) -> None:
    """The run below is held at its first call, and the run above waits for it."""
    script = by_agent(caller=[call("ask_helper", item="x"), "done"], helper=["found"])
    await stage.play(team(), script)
    run_id = f"run-{uuid4().hex[:12]}"
    placed = halt_after(stage, 1, run_id, "run")
    request = {"agent": "caller", "task": "do it"}
    handle = await stage.client.start_workflow(
        "AgentWorkflow", request, id=run_id, task_queue=stage.queue
    )

    below = await eventually(lambda: first_below(stage, run_id))
    await standing(stage, below)
    sold = len(stage.provider.asked)
    await unhalt(stage, placed[0], below)
    result = await stage.result(handle)

    assert sold == 1
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C5.6:halt-lost-word")
async def test_a_run_that_nobody_told_looks_by_itself(
    stage: Stage, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks again and again while halted, and goes on at the first look that finds nothing."""
    monkeypatch.setattr(policies, "HALTED_FIRST_LOOK", timedelta(milliseconds=40))
    monkeypatch.setattr(policies, "HALTED_LOOK_EVERY", timedelta(milliseconds=80))
    placed = await halt(stage, tenant)
    await stage.play(agent(), ["done"])
    handle = await stage.start(tenant=tenant)
    await standing(stage, handle)
    await eventually(lambda: told_often(handle, "EVENT_TYPE_TIMER_FIRED", 3))

    await unhalt(stage, placed)
    result = await stage.result(handle)

    assert result.outcome is Outcome.COMPLETED
    assert [made.verdict for made in result.decisions] == ["halt", "unhalt"]


@pytest.mark.requirement("C5.6:halt-by-hand")
@pytest.mark.parametrize("word", [[], [{"ids": 7}], ["go"], [{"ids": ["x"]}, {}]], ids=str)
async def test_a_word_sent_by_hand_changes_nothing(
    stage: Stage, tenant: str, word: list[Any]
) -> None:
    """A run that is halted stays so, one that is not takes no notice, and both end well."""
    placed = await halt(stage, tenant)
    await stage.play(agent(), lambda _: "done")
    handle = await stage.start(tenant=tenant)
    await standing(stage, handle)

    await handle.signal("unhalted", args=word)
    await eventually(lambda: told_often(handle, "Halted", 2))
    await standing(stage, handle)
    sold = len(stage.provider.asked)
    await unhalt(stage, placed, handle)
    result = await stage.result(handle)

    assert sold == 0
    assert [made.verdict for made in result.decisions] == ["halt", "unhalt"]
    assert result.ignored == ()


@pytest.mark.requirement("C5.6:halt-end")
async def test_an_aborted_run_undoes_what_it_did_once_the_halt_is_lifted(
    stage: Stage, tenant: str
) -> None:
    """A halt stops what is undone too: it waits, cannot be aborted again, and is done once."""
    world = World()
    tools = [writing(world, compensate="take"), writing(world, "take")]
    await stage.play(agent(tools=tools), [call("put", item="slow"), "done"])
    handle = await stage.start(tenant=tenant)
    await world.begun.wait()
    placed = await halt(stage, tenant)
    world.go.set()

    await standing(stage, handle)
    await handle.signal("abort", {"by": "erin"})
    status = await stage.until(handle, lambda status: status.stop and status.stop.step == "take")
    await handle.signal("abort")
    await stage.until(handle, lambda status: status.ignored)
    before = list(world.done)
    await unhalt(stage, placed, handle)
    result = await stage.result(handle)

    assert status.state == "STOPPED"
    assert before == ["put slow"]
    assert world.done == ["put slow", "take slow"]
    assert (result.outcome, result.undone) == (Outcome.ABORTED, ("put",))
    assert "erin" in result.reason


@pytest.mark.requirement("C5.6:halt-end")
async def test_a_halted_run_can_be_cancelled(stage: Stage, tenant: str) -> None:
    """With nothing to undo it closes at once, halted as it is."""
    async with halted(stage, tenant):
        await stage.play(agent(), ["done"])
        handle = await stage.start(tenant=tenant)
        await standing(stage, handle)

        await handle.cancel()
        closed = await stage.closed(handle)

    assert closed is WorkflowExecutionStatus.CANCELED


@pytest.mark.requirement("C5.6:halt-survives")
async def test_a_halt_survives_a_worker(stage: Stage, tenant: str) -> None:
    """A worker that remembers nothing holds the run as the one before it did."""
    placed = await halt(stage, tenant)
    await stage.play(agent(), ["done"])
    handle = await stage.start(tenant=tenant)
    await standing(stage, handle)

    await stage.restart()
    await handle.signal("retry")
    await eventually(lambda: told_often(handle, "Halted", 2))
    await standing(stage, handle)
    sold = len(stage.provider.asked)
    await unhalt(stage, placed, handle)

    assert sold == 0
    assert (await stage.result(handle)).outcome is Outcome.COMPLETED


@pytest.mark.requirement("C5.6:halt-bounded")
async def test_a_halt_of_a_year_fails_the_run(
    stage: Stage, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is closed as failed with who halted it and why, so that `resume` can take it up."""
    monkeypatch.setattr(policies, "HALTED_FIRST_LOOK", timedelta(milliseconds=40))
    monkeypatch.setattr(policies, "HALTED_TIMEOUT", timedelta(milliseconds=60))
    async with halted(stage, tenant):
        await stage.play(agent(), ["done"])
        handle = await stage.start(tenant=tenant)
        closed = await stage.closed(handle)

    assert closed is WorkflowExecutionStatus.FAILED


# --- what the tests are made of


def halt_after(stage: Stage, sold: int, name: str, scope: Scope = "tenant") -> list[Halt]:
    """Halt as soon as so many model calls were answered, before the run hears of the last one."""
    provider, complete = stage.provider, stage.provider.complete
    placed: list[Halt] = []

    async def then_halt(body: bytes) -> ProviderReply:
        reply = await complete(body)
        if len(provider.sold) == sold:
            placed.append(await halt(stage, name, scope))
        return reply

    provider.complete = then_halt
    return placed


def looking(seen: list[str]) -> Tool:
    """Return a read that notes what it was asked."""

    async def look(key: str) -> str:
        """Look a key up."""
        seen.append(key)
        return key

    return tool()(look)


async def told_often(handle: Handle, word: str, times: int) -> bool:
    """Whether a run's history has this name of an activity or a failure so often."""
    return (await handle.fetch_history()).to_json().count(f'"{word}"') >= times


async def first_below(stage: Stage, run_id: str) -> Handle | None:
    """Return the first run below a run, once the server lists it."""
    query = f"WorkflowId STARTS_WITH '{run_id}/'"
    async for found in stage.client.list_workflows(query):
        return stage.client.get_workflow_handle(found.id)
    return None
