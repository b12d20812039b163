"""At 80 % of a budget: the alert, what is declared to follow, and what a person may grant."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from agents.toolkit import tool
from domain.budget import Limits, Usage
from domain.run import Outcome
from tests.fakes import Asked, Say, Step, call
from tests.workflows.orchestra import done, goal, needs, play, ran
from tests.workflows.stage import Stage, agent
from tests.workflows.team import by_agent, errand, team
from tests.workflows.world import PATIENT, World, reading, writing

FIVE = Limits(steps=5)


def restless(asked: Asked) -> Step:
    """Call on, until told to answer."""
    return "as far as I got" if "Answer now" in asked.said else looked(len(asked.results))


def looked(number: int) -> Say:
    """Look something new up."""
    return call("lookup", key=f"k{number}")


async def near(stage: Stage, **changes: Any) -> Any:
    """Run the restless agent, and return what it came to."""
    told: dict[str, Any] = {"tools": [reading()], "limits": FIVE} | changes
    await stage.play(agent(**told), restless)
    return await stage.run()


@pytest.mark.requirement("C5.6:near-limit")
async def test_the_model_has_to_answer_with_what_it_has(stage: Stage) -> None:
    """It is told once that no tool can be called any more, and the run ends with its answer."""
    result = await near(stage, near_limit="simplify")

    assert (result.outcome, result.answer) == (Outcome.COMPLETED, "as far as I got")
    assert "80% of its model calls" in stage.provider.asked[-1].said
    assert (result.near.budget, result.near.then, result.turns) == ("steps", "simplify", 5)


@pytest.mark.requirement("C5.6:near-limit")
async def test_calls_that_come_all_the_same_are_refused(stage: Stage) -> None:
    """A model that does not listen reaches its limit, and nothing it calls runs."""
    world = World()
    script = [call("put", item=str(number)) for number in range(5)]
    put = writing(world, idempotent=True)
    await stage.play(agent(tools=[put], limits=FIVE, near_limit="simplify"), script)

    result = await stage.run()

    assert result.outcome is Outcome.LIMIT
    assert world.done == ["put 0", "put 1", "put 2", "put 3"]
    assert {each.by for each in result.rejections} == {"budget"}


@pytest.mark.requirement("C5.6:near-limit")
async def test_a_run_may_be_declared_to_end_there(stage: Stage) -> None:
    """It ends as at a limit, with what was done and what was not."""
    result = await near(stage, near_limit="decline")

    assert (result.outcome, result.turns, result.tool_calls) == (Outcome.LIMIT, 4, 4)
    assert "80% of its model calls is used" in result.reason
    assert "an answer" in result.not_done[0]


@pytest.mark.requirement("C5.6:granted")
async def test_a_person_may_grant_more_or_let_it_go_on(stage: Stage) -> None:
    """What is granted holds; at 80 % of that they are asked again; a no leaves what is left."""
    given = agent(tools=[reading()], limits=FIVE, near_limit="person", approvals=PATIENT)
    await stage.play(given, restless)
    handle = await stage.start()
    first = await stage.asked(handle)
    await handle.signal("modify", {"arguments": {"steps": -1}})
    refused = await stage.until(handle, lambda status: status.ignored)
    await stage.decide(handle, verdict="modify", arguments={"steps": 5})
    second = await stage.until(handle, lambda s: s.question and s.question["id"] != first["id"])
    await stage.decide(handle, verdict="reject")

    result = await stage.result(handle)

    assert first["kind"] == "budget"
    assert first["arguments"]["steps"] == 3
    assert "steps" in refused.ignored[0]
    assert (second.turn, second.limits["steps"]) == (8, 10)
    assert (result.outcome, result.turns) == (Outcome.LIMIT, 10)


@pytest.mark.requirement("C5.6:granted")
async def test_tokens_that_were_granted_can_be_spent(stage: Stage) -> None:
    """The ledger outside the history goes by the grant too."""
    limits = Limits(tokens=30_000)

    def script(asked: Asked) -> Step:
        step = "done" if len(asked.results) > 8 else looked(len(asked.results))
        said = step if isinstance(step, Say) else Say(str(step))
        return Say(said.text, said.calls, usage=Usage(input_tokens=5_000, output_tokens=10))

    given = agent(tools=[reading()], limits=limits, near_limit="person", approvals=PATIENT)
    await stage.play(given, script)
    handle = await stage.start()
    await stage.asked(handle)
    await stage.decide(handle, verdict="modify", arguments={"tokens": 90_000})

    result = await stage.result(handle)

    assert result.outcome is Outcome.COMPLETED
    assert 30_000 < result.spend.tokens < 120_000


@pytest.mark.requirement("C5.6:alert")
async def test_time_is_a_budget_too(stage: Stage) -> None:
    """A slow tool uses most of the time; that is found before the next model call."""

    @tool()
    async def slow(n: int) -> str:
        """Take a while."""
        await asyncio.sleep(2.5)
        return f"done {n}"

    limits = Limits(wall_clock_s=3)
    await stage.play(agent(tools=[slow], limits=limits, near_limit="decline"), [call("slow", n=1)])

    result = await stage.run()

    assert (result.outcome, result.turns) == (Outcome.LIMIT, 1)
    assert result.near is not None
    assert result.near.budget == "wall_clock_s"


@pytest.mark.requirement("C5.6:alert")
async def test_what_a_run_below_has_used_counts(stage: Stage) -> None:
    """Its tokens are the caller's, which so answers before it asks for more."""

    def caller(asked: Asked) -> Step:
        return "so far" if "Answer now" in asked.said else call("ask_helper", item="a")

    much = Usage(input_tokens=5_700)
    script = by_agent(caller=caller, helper=[looked(1), looked(2), "here"])
    served = team(
        [errand(share=0.9)],
        limits=Limits(tokens=20_000),
        near_limit="simplify",
        helper={"tools": [reading()]},
    )

    def dear(asked: Asked) -> Step:
        step = script(asked)
        said = Say(step) if isinstance(step, str) else step
        if isinstance(said, Say) and asked.agent == "helper":
            return replace(said, usage=much)
        return said

    await stage.play(served, dear)

    result = await stage.run()

    assert (result.outcome, result.answer) == (Outcome.COMPLETED, "so far")
    assert result.near is not None
    assert (result.near.budget, result.turns) == ("tokens", 2)
    assert 16_000 < result.spend.tokens <= 20_000


@pytest.mark.requirement("C5.6:near-limit")
async def test_nothing_follows_where_nothing_is_declared(stage: Stage) -> None:
    """The alert is in the result; the run goes on to its limit."""
    result = await near(stage)

    assert (result.outcome, result.turns) == (Outcome.LIMIT, 5)
    assert (result.near.share, result.near.then) == (0.8, "none")


@pytest.mark.requirement("C5.6:alert")
async def test_a_run_of_several_is_announced_too(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """What its runs used together counts, once, against the budget that they share."""
    dear = replace(done(), usage=Usage(input_tokens=8_000))
    await play(stage, lambda _: dear)
    wanted = goal("a", needs("b", "a"), needs("c", "b"), tokens=29_000, limits={"tokens": 12_000})

    with caplog.at_level("WARNING", logger="temporalio.workflow"):
        found = await ran(stage, wanted)

    said = [r.message for r in caplog.records if "of the budget is used" in r.message]
    assert found.spend.tokens <= 29_000
    assert len(said) == 1
    assert said[0].startswith("83 % of the budget is used: tokens")
