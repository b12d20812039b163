"""A run from its task to its answer, what a restart costs it, and what continues it."""

import asyncio
import json
from decimal import Decimal

import pytest
from temporalio.client import Client, WorkflowHistory

from activities.spend import Reserved
from agents.toolkit import tool
from domain.budget import Limits
from domain.messages import ROOT, chain
from domain.run import Outcome
from domain.state import AgentState
from runtime.runs import Runs
from runtime.spend import SpendLedger
from tests.fakes import Asked, Say, call, calls, refused
from tests.workflows.stage import Handle, Stage, activities_in, agent
from tests.workflows.world import World, reading, writing

AMPLE = Limits(tokens=10**9, cost_usd=Decimal(10**6), steps=1_000)


async def snapshot(handle: Handle, turn: int) -> AgentState:
    """Return the state of a run after `turn` model calls."""
    return await handle.query("snapshot", turn, result_type=AgentState)


@pytest.mark.requirement("C2:happy-path")
@pytest.mark.parametrize("cached", [0, 10])
async def test_a_run_ends_with_the_models_answer(stage: Stage, cached: int) -> None:
    """Think, act, think, answer: each call once, its result before the model."""
    stage.cached = cached
    await stage.play(agent(tools=[reading()]), [call("lookup", key="a"), "it is done"])

    handle = await stage.start("find a")
    result = await stage.result(handle)

    assert (result.outcome, result.answer) == (Outcome.COMPLETED, "it is done")
    assert (result.turns, result.tool_calls, result.spend.tokens) == (2, 1, 60)
    assert stage.provider.asked[1].results == ["value of a"]
    assert activities_in(await handle.fetch_history()) == ["llm.think", "lookup", "llm.think"]


@pytest.mark.requirement("C2:bought-once")
async def test_each_model_call_is_bought_once_though_every_task_replays(stage: Stage) -> None:
    """With no cache the run is replayed at every step, and no call is made a second time."""
    stage.cached = 0
    script = [*(call("lookup", key=str(number)) for number in range(8)), "done"]
    await stage.play(agent(tools=[reading()]), script)

    handle = await stage.start()
    result = await stage.result(handle)

    assert len(stage.provider.sold) == 9
    assert stage.provider.bought_twice == 0
    assert activities_in(await handle.fetch_history()).count("llm.think") == 9
    assert result.spend.steps == 9


@pytest.mark.requirement("C3:crosses-once")
async def test_a_message_is_in_the_history_once(stage: Stage) -> None:
    """The history grows by the messages, not by the conversation: its turns cost the same."""
    results = {str(number): f"marker-{number};" + "x" * 2_000 for number in range(10)}
    script = [*(call("lookup", key=key) for key in results), "done"]
    await stage.play(agent(tools=[reading(results)]), script)

    handle = await stage.start()
    await stage.result(handle)

    events = [event.SerializeToString() for event in (await handle.fetch_history()).events]
    assert sum(event.count(b"marker-3;") for event in events) == 1


@pytest.mark.requirement("C3:chain")
async def test_the_head_proves_the_conversation(stage: Stage) -> None:
    """The result's head is the hash chain over all messages, and a changed message breaks it."""
    await stage.play(agent(tools=[reading()]), [call("lookup", key="a"), "done"])
    handle = await stage.start()
    result = await stage.result(handle)

    state = await snapshot(handle, 2)

    assert result.head == chain(ROOT, (message.id for message in state.messages))
    assert state.proven()
    state.messages[2] = state.messages[2].model_copy(update={"text": "forged"})
    assert not AgentState.model_validate(state.model_dump()).proven()


@pytest.mark.requirement("C2:report-kept")
async def test_what_a_run_came_to_is_kept_in_the_database(stage: Stage) -> None:
    """The result outlives the history's retention, and the spend is on the books."""
    await stage.play(agent(), ["done"])
    handle = await stage.start(by="alice", tenant="north")
    await stage.result(handle)

    kept = await Runs(stage.database).get(handle.id)
    spent = await SpendLedger(stage.database, Reserved).of_run((await snapshot(handle, 1)).lineage)

    assert kept is not None
    assert (kept.outcome, kept.tenant, kept.agent) == ("completed", "north", "tester")
    assert (spent.calls, spent.tokens, spent.lost_calls) == (1, 30, 0)


@pytest.mark.requirement("C2:parallel-reads")
async def test_reads_of_one_turn_run_side_by_side(stage: Stage) -> None:
    """Three reads that wait for each other all end: they run at the same time."""
    together = asyncio.Barrier(3)

    @tool(effect="read", source="ours", timeout=5, attempts=1)
    async def meet(key: str) -> str:
        """Meet the others."""
        await together.wait()
        return f"met {key}"

    wanted = [("meet", {"key": key}) for key in "abc"]
    await stage.play(agent(tools=[meet]), [calls(*wanted), "done"])

    await stage.run()

    assert stage.provider.asked[1].results == ["met a", "met b", "met c"]


# --- a worker that remembers nothing


def _failures(history: WorkflowHistory) -> list[str]:
    return [
        event.activity_task_failed_event_attributes.failure.application_failure_info.type
        for event in history.events
        if event.HasField("activity_task_failed_event_attributes")
    ]


@pytest.mark.requirement("C3:miss")
async def test_a_new_worker_is_told_the_conversation_once(stage: Stage) -> None:
    """It says what it lacks, gets it by value, and the run goes on with nothing bought twice."""
    script = [call("lookup", key="a"), refused(), call("lookup", key="b"), "done"]
    await stage.play(agent(tools=[reading()]), script)
    handle = await stage.start()
    await stage.stopped(handle)

    await stage.restart()
    await handle.signal("retry")
    result = await stage.result(handle)

    assert result.outcome is Outcome.COMPLETED
    assert _failures(await handle.fetch_history()) == ["RouteUnusable", "TranscriptMiss"]
    assert stage.provider.bought_twice == 0
    assert stage.provider.asked[-1].results == ["value of a", "value of b"]


@pytest.mark.requirement("C3:large-resend")
async def test_a_conversation_of_megabytes_is_resent_outside_the_history(stage: Stage) -> None:
    """Three megabytes by value pass no limit: they cross through the store."""

    @tool(effect="read", source="ours", result_bytes=2_000_000)
    async def load(number: int) -> str:
        """Load a lot."""
        return str(number) * 1_000_000

    script = [*(call("load", number=n) for n in (1, 2, 3)), refused(), "done"]
    await stage.play(agent(tools=[load], limits=AMPLE, window=None), script)
    handle = await stage.start()
    await stage.stopped(handle)

    await stage.restart()
    await handle.signal("retry")
    result = await stage.result(handle)

    history = await handle.fetch_history()
    assert result.outcome is Outcome.COMPLETED
    assert [len(text) for text in stage.provider.asked[-1].results] == [1_000_000] * 3
    assert max(event.ByteSize() for event in history.events) < 300_000


# --- fork


@pytest.mark.requirement("C5:fork")
async def test_a_fork_begins_with_the_state_at_a_step_and_leaves_the_rest(stage: Stage) -> None:
    """It has the conversation up to there, pays for its own steps, and cannot undo the other's."""
    world = World()
    undo = writing(world, "take")
    put = writing(world, "put", compensate="take", idempotent=True)

    def script(asked: Asked) -> Say | str:
        return {0: call("lookup", key="a"), 1: call("put", item="x")}.get(
            len(asked.results), Say("done")
        )

    await stage.play(agent(tools=[reading(), put, undo]), script)
    first = await stage.start()
    await stage.result(first)

    state = await snapshot(first, 1)
    state = state.model_copy(update={"lineage": "another"})
    second = await stage.start(state=state.model_dump(mode="json"), forked_from=first.id)
    result = await stage.result(second)

    assert [message.text for message in state.messages] == ["do it", "", "value of a"]
    assert state.writes == []
    assert (result.outcome, result.turns) == (Outcome.COMPLETED, 3)
    assert len(stage.provider.sold) == 3 + 2
    assert len(set(world.keys)) == 2


@pytest.mark.requirement("C5:fork")
async def test_a_fork_into_the_planning_plans_again(stage: Stage) -> None:
    """A state from before the plan was accepted has none, and the fork asks for one."""
    await stage.play(agent(plan="checked"), ["no plan", '{"steps": [{"action": "go"}]}', "done"])
    first = await stage.start()
    await stage.result(first)

    early, later = await snapshot(first, 1), await snapshot(first, 2)

    assert (early.phase, early.plan) == ("start", [])
    assert (later.phase, later.plan) == ("work", ["go"])
    assert later.messages[-1].text == "The plan is accepted. Begin."


# --- continue-as-new


@pytest.mark.requirement("C3:continue-as-new")
async def test_a_long_run_continues_with_its_whole_state(stage: Stage, impatient: Client) -> None:
    """State and chain are whole, nothing is bought twice, and effects stay undoable."""
    world = World()
    put = writing(world, "put", compensate="take", idempotent=True)
    script = [
        call("put", item="first"),
        *(call("lookup", key=str(number)) for number in range(16)),
        "done",
    ]
    stage.client, stage.cached = impatient, 0
    await stage.play(agent(tools=[reading(), put, writing(world, "take")]), script)

    handle = await stage.start("a long task")
    result = await stage.result(handle)

    state = await snapshot(handle, 18)
    last = (await handle.fetch_history()).events[0].workflow_execution_started_event_attributes
    given = json.loads(last.input.payloads[0].data)
    assert result.outcome is Outcome.COMPLETED
    assert result.continued >= 1
    assert 0 < given["state"]["worked_s"] < 25
    assert (result.turns, result.tool_calls, result.spend.steps) == (18, 17, 18)
    assert [write.tool for write in result.writes] == ["put"]
    assert stage.provider.bought_twice == 0
    assert len(stage.provider.sold) == 18
    assert state.proven()
    assert state.messages[0].text == "a long task"
    assert len(state.messages) == 1 + 2 * 17 + 1


@pytest.mark.requirement("C3:continue-as-new")
async def test_a_run_that_continued_undoes_what_it_wrote_before(
    stage: Stage, impatient: Client
) -> None:
    """A cancel after continue-as-new reaches the writes from before it."""
    world = World()
    put = writing(world, "put", compensate="take", idempotent=True)
    script = [
        call("put", item="first"),
        *(call("lookup", key=str(number)) for number in range(12)),
        refused(),
    ]
    stage.client = impatient
    await stage.play(agent(tools=[reading(), put, writing(world, "take")]), script)
    handle = await stage.start()
    await stage.stopped(handle)

    await handle.cancel()
    await stage.closed(handle)

    assert world.done == ["put first", "take first"]
