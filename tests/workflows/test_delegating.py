"""Agents as tools of agents: what crosses, what it may cost, what is undone."""

import json

import pytest
from temporalio.client import WorkflowExecutionStatus

from agents import registry
from domain.budget import Limits, Usage
from domain.run import Outcome
from runtime.artifacts import Artifacts
from runtime.runs import Runs
from tests.fakes import Asked, Say, Step, answer, call, calls, refused
from tests.workflows.stage import Handle, Stage, agent, eventually
from tests.workflows.team import Errand, Found, by_agent, errand, team
from tests.workflows.world import World, writing

MARKER = "only-the-caller-knows-this"


async def child_of(stage: Stage, handle: Handle, ending: str = "-helper") -> Handle:
    """Return the run below that the caller has started."""

    async def found() -> Handle | None:
        pending = (await handle.describe()).raw_description.pending_children
        names = [child.workflow_id for child in pending if child.workflow_id.endswith(ending)]
        return stage.client.get_workflow_handle(names[0]) if names else None

    return await eventually(found)


@pytest.mark.requirement("C4.1:typed")
async def test_an_agent_gets_the_task_and_nothing_else(stage: Stage) -> None:
    """The helper's call holds its prompt and the task; the caller's result is the typed answer."""
    script = by_agent(
        caller=[call("ask_helper", item="milk"), "thanks"], helper=[answer(value="fresh")]
    )
    await stage.play(team(helper={"answer": Found}), script)

    result = await stage.run(MARKER)

    asked = next(asked for asked in stage.provider.asked if asked.agent == "helper")
    assert [json.loads(message.text) for message in asked.messages] == [{"item": "milk"}]
    assert stage.provider.asked[-1].results == ['{"value": "fresh"}']
    assert result.answer == "thanks"


@pytest.mark.requirement("C4.1:wrong-task")
@pytest.mark.parametrize(
    "arguments", [{}, {"item": 3}, {"item": "a", "times": "many"}, {"item": "a", "more": 1}]
)
async def test_a_task_that_does_not_fit_starts_no_run(
    stage: Stage, arguments: dict[str, object]
) -> None:
    """The model is told what is wrong, as with any tool."""
    script = by_agent(caller=[calls(("ask_helper", arguments)), "so be it"], helper=[])
    await stage.play(team(), script)

    await stage.run()

    assert stage.provider.asked[-1].results[0].startswith("refused: ")
    assert {asked.agent for asked in stage.provider.asked} == {"caller"}


@pytest.mark.requirement("C4.1:share")
async def test_a_call_costs_what_it_used_of_its_share(stage: Stage) -> None:
    """The helper may use a quarter at most; what it used is the caller's, the rest comes back."""
    limits = Limits(tokens=40_000)
    script = by_agent(caller=[call("ask_helper", item="a"), "done"], helper=["here"])
    talkative = {"max_output_tokens": 30_000}
    await stage.play(team([errand(share=0.25)], talkative, limits=limits), script)
    handle = await stage.start()

    result = await stage.result(handle)

    helper = await stage.result(stage.client.get_workflow_handle(f"{handle.id}/1.0-helper"))
    assert result.spend.tokens == 90  # three calls of thirty
    assert result.spend.steps == 2
    assert helper.spend.tokens == 30
    first = next(asked for asked in stage.provider.asked if asked.agent == "helper")
    assert 1_000 < first.max_output_tokens <= 10_000


@pytest.mark.requirement("C4.1:fifty")
@pytest.mark.timeout(120)
async def test_fifty_calls_at_once_stay_within_the_budget(stage: Stage) -> None:
    """What has no share left is told so; what was bought is never more than the caller may."""
    stage.sandboxed = False
    limits = Limits(tokens=200_000)
    wanted = calls(*(("ask_helper", {"item": str(number)}) for number in range(50)))
    greedy = Say("here", usage=Usage(input_tokens=3_900, output_tokens=2_000))

    def helper(asked: Asked) -> Step:
        return greedy

    script = by_agent(caller=[wanted, "done"], helper=helper)
    await stage.play(team([errand(share=0.03)], limits=limits), script)

    result = await stage.run()

    told = stage.provider.asked[-1].results
    asked = [each for each in told if each == "here"]
    assert result.outcome is Outcome.COMPLETED
    assert len(told) == 50
    assert len(asked) == 33  # as many shares as the budget has
    assert all("its share of 6,000 tokens" in each for each in told if each != "here")
    assert result.spend.tokens == len(asked) * 5_900 + 60 <= limits.tokens


@pytest.mark.requirement("C4.1:lost")
async def test_a_terminated_run_is_charged_its_whole_share(stage: Stage) -> None:
    """Nobody knows what it used, so it used all; the model is told that there is no answer."""
    script = by_agent(caller=[call("ask_helper", item="a"), "done"], helper=[refused()])
    await stage.play(team([errand(share=0.25)], limits=Limits(tokens=40_000)), script)
    handle = await stage.start()
    below = await child_of(stage, handle)
    await stage.stopped(below)

    await below.terminate("test")

    result = await stage.result(handle)
    assert result.spend.tokens == 10_000 + 60
    assert "helper has no answer: failed" in stage.provider.asked[-1].results[0]
    assert result.not_done == ("ask_helper: helper ended with failed",)


@pytest.mark.requirement("C4.1:own-approval")
@pytest.mark.requirement("C4.1:clock")
async def test_only_the_run_that_asks_can_be_answered(stage: Stage) -> None:
    """The caller has no question; an approval sent to it changes nothing below."""
    world = World()
    helper = {"tools": [writing(world, "pay", effect="irreversible")]}
    script = by_agent(
        caller=[call("ask_helper", item="a"), "done"], helper=[call("pay", item="1"), "paid"]
    )
    await stage.play(team(helper=helper), script)
    handle = await stage.start()
    below = await child_of(stage, handle)
    await stage.asked(below)

    await handle.signal("approve")
    await stage.until(handle, lambda status: status.ignored)
    still = await stage.status(below)
    await below.signal("approve")

    result = await stage.result(handle)
    answered = await stage.result(below)
    assert still.question is not None
    assert result.decisions == ()
    assert world.done == ["pay 1"]
    assert 0 < answered.waited_s <= result.waited_s


@pytest.mark.requirement("C4.1:cancel")
async def test_a_cancelled_caller_undoes_all_that_was_done_below(stage: Stage) -> None:
    """One helper has ended, one is under way: both lose what they wrote, in reverse."""
    world = World()
    tools = [writing(world, compensate="take"), writing(world, "take")]
    script = by_agent(
        caller=[call("ask_helper", item="a"), call("ask_helper", item="b")],
        helper=[call("put", item="1"), "done", call("put", item="2"), refused()],
    )
    await stage.play(team(helper={"tools": tools}), script)
    handle = await stage.start()
    second = await child_of(stage, handle, "2.0-helper")
    await stage.stopped(second)

    await handle.cancel()

    assert await stage.closed(handle) is WorkflowExecutionStatus.CANCELED
    assert await stage.closed(second) is WorkflowExecutionStatus.CANCELED
    kept = await Runs(stage.database).result(handle.id)
    assert kept is not None
    assert world.done == ["put 1", "put 2", "take 2", "take 1"]
    assert json.loads(kept)["spend"]["tokens"] == 4 * 30 + 25_000  # the second left no account


@pytest.mark.requirement("C4.1:depth")
async def test_agents_that_call_each_other_end(stage: Stage) -> None:
    """An agent that asks itself stops below the fifth; each is told why."""

    def ask(asked: Asked) -> Step:
        return "enough" if asked.results else call("ask_helper", item="again")

    await stage.play([agent("helper", tools=[errand(share=0.9)])], ask)

    result = await stage.run()

    deepest = [asked for asked in stage.provider.asked if "5 agents are above it" in asked.said]
    assert result.answer == "enough"
    assert len(deepest) == 1


@pytest.mark.requirement("C4.1:dry-run")
async def test_a_dry_run_writes_nothing_below(stage: Stage) -> None:
    """The helper's write is listed in the caller's result, and not made."""
    world = World()
    script = by_agent(
        caller=[call("ask_helper", item="a"), "done"], helper=[call("put", item="1"), "done"]
    )
    await stage.play(team(helper={"tools": [writing(world)]}), script)

    result = await stage.run(dry_run=True)

    assert world.done == []
    assert result.not_done == ('helper: put {"item": "1"} (dry run)',)


@pytest.mark.requirement("C4.1:cut")
async def test_an_answer_that_is_too_large_is_cut(stage: Stage) -> None:
    """The caller sees the beginning, and the rest is kept as an artifact."""
    long = "word " * 1_000
    script = by_agent(caller=[call("ask_helper", item="a"), "done"], helper=[long])
    await stage.play(team([errand(result_bytes=200)]), script)

    await stage.run()

    shown = stage.provider.asked[-1].results[0]
    reference = shown.partition('reference="')[2].partition('"')[0]
    assert shown.startswith("word word")
    assert len(shown) < 400
    assert await Artifacts(stage.database).get(reference) == long.encode()


@pytest.mark.requirement("C4.1:registry")
def test_a_tool_for_nobody_is_refused() -> None:
    """The error names the agent, the tool and the agents that there are."""
    caller = team()[0]

    with pytest.raises(registry.RegistryError, match=r"'caller'.*'ask_helper'.*'helper'"):
        registry.check_agents({"caller": caller})


@pytest.mark.requirement("C4.1:wrong-task")
def test_the_arguments_are_the_tasks_fields() -> None:
    """The schema that the model sees is the task's, with nothing else allowed."""
    schema = errand().spec.parameters

    assert schema["properties"].keys() == Errand.model_fields.keys()
    assert schema["additionalProperties"] is False
