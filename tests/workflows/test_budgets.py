"""Caps are outcomes: a run says what was done, and what it spent never passes them."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.spend import Reserved
from domain.budget import Limits, Usage
from domain.run import Outcome
from runtime.spend import SpendLedger
from tests.fakes import Asked, Never, Say, Step, call, calls
from tests.workflows.stage import Stage, agent, eventually
from tests.workflows.test_agent import snapshot
from tests.workflows.world import World, reading, writing


def restless(asked: Asked) -> Step:
    """Never answer: look something new up, forever."""
    return call("lookup", key=str(len(asked.messages)))


@pytest.mark.requirement("C5:steps")
async def test_a_run_that_never_answers_ends_at_its_steps(stage: Stage) -> None:
    """The outcome is a limit, named, after exactly as many model calls as allowed."""
    await stage.play(agent(tools=[reading()], limits=Limits(steps=5)), restless)

    result = await stage.run()

    assert (result.outcome, result.reason) == (Outcome.LIMIT, "limit reached: steps")
    assert (len(stage.provider.sold), result.tool_calls) == (5, 5)


@pytest.mark.requirement("C5:defaults")
async def test_a_run_is_limited_from_the_start(stage: Stage) -> None:
    """Thirty steps, unless the spec says otherwise."""
    await stage.play(agent(tools=[reading()]), restless)

    result = await stage.run()

    assert (result.outcome, result.turns) == (Outcome.LIMIT, 30)
    assert Limits() == Limits(
        steps=30, tokens=100_000, cost_usd=Decimal("0.50"), wall_clock_s=1_200
    )


@pytest.mark.requirement("C5:limits-of-the-starter")
async def test_the_starter_may_set_a_limit(stage: Stage) -> None:
    """What the request leaves out is the agent's."""
    await stage.play(agent(tools=[reading()], limits=Limits(steps=20)), restless)

    result = await stage.run(limits={"steps": 2})

    assert (result.outcome, result.turns) == (Outcome.LIMIT, 2)


@pytest.mark.requirement("C6b:tokens")
@pytest.mark.parametrize("greed", [0, 1, 10])
async def test_tokens_are_never_exceeded(stage: Stage, greed: int) -> None:
    """Whatever a model uses of what it may, the sum stays under the cap, to the token."""

    def script(asked: Asked) -> Step:
        # At most what was allowed: all of the output, and a token for each byte that is new.
        usage = Usage(input_tokens=300, output_tokens=asked.max_output_tokens * greed // 10)
        return Say(calls=call("lookup", key=str(len(asked.messages))).calls, usage=usage)

    limits = Limits(tokens=9_000, steps=1_000)
    await stage.play(agent(tools=[reading()], limits=limits, max_output_tokens=500), script)

    result = await stage.run()

    assert result.outcome is Outcome.LIMIT
    assert result.spend.tokens <= 9_000
    assert sum(ask.max_output_tokens for ask in stage.provider.sold) > 0


@pytest.mark.requirement("C6b:tokens")
async def test_a_call_that_cannot_fit_is_not_made(stage: Stage) -> None:
    """Where even the first call's worst case is over the cap, nothing is sent."""
    await stage.play(agent(limits=Limits(tokens=100)), ["done"])

    result = await stage.run()

    assert (result.outcome, stage.provider.asked) == (Outcome.LIMIT, [])


@pytest.mark.requirement("C6b:cost")
async def test_money_is_never_exceeded(stage: Stage) -> None:
    """The price of the worst case is reserved before a call; the last one is not made."""

    def script(asked: Asked) -> Step:
        usage = Usage(input_tokens=200, output_tokens=asked.max_output_tokens)
        return Say(calls=call("lookup", key=str(len(asked.messages))).calls, usage=usage)

    limits = Limits(cost_usd=Decimal("0.02"), steps=1_000, tokens=10**7)
    await stage.play(agent(tools=[reading()], limits=limits), script)

    result = await stage.run()

    assert (result.outcome, result.reason) == (Outcome.LIMIT, "limit reached: tokens or cost_usd")
    assert Decimal("0.005") < result.spend.cost_usd <= Decimal("0.02")


@pytest.mark.requirement("C6b:usage-unknown")
async def test_a_provider_that_counts_nothing_does_not_open_the_budget(stage: Stage) -> None:
    """A usage of zero is not believed for what follows: the bound covers the conversation."""

    def script(asked: Asked) -> Step:
        said = call("lookup", key="k" * 3_000 + str(len(asked.messages)))
        return Say(calls=said.calls, usage=Usage())

    await stage.play(agent(tools=[reading()], limits=Limits(tokens=30_000, steps=100)), script)

    result = await stage.run()

    assert (result.outcome, result.reason) == (Outcome.LIMIT, "limit reached: tokens")


@pytest.mark.requirement("C6b:lost-attempt")
async def test_a_lost_attempt_is_charged_its_reservation(stage: Stage) -> None:
    """A worker that goes while the model thinks may have been billed: that stays on the books."""
    await stage.play(agent(), [Never(), "done"])
    handle = await stage.start()

    async def asked() -> bool:
        return bool(stage.provider.asked)

    await eventually(asked)
    await stage.restart()
    result = await stage.result(handle)

    state = await snapshot(handle, 1)
    spent = await SpendLedger(stage.database, Reserved).of_run(state.lineage)
    assert result.outcome is Outcome.COMPLETED
    assert result.spend.lost_tokens > 1_000
    assert result.spend.tokens == result.spend.lost_tokens + 30
    assert (spent.lost_calls, spent.tokens) == (1, result.spend.tokens)


@pytest.mark.requirement("C5:not-done")
async def test_a_limit_says_what_was_done(stage: Stage) -> None:
    """The writes that were made are in the result of a run that ends on a cap."""
    world = World()
    script = [call("put", item="1"), call("put", item="2")]
    await stage.play(agent(tools=[writing(world)], limits=Limits(steps=2)), script)

    result = await stage.run()

    assert result.outcome is Outcome.LIMIT
    assert [write.arguments for write in result.writes] == [{"item": "1"}, {"item": "2"}]


@pytest.mark.requirement("C2:never-answers-ends")
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.randoms(use_true_random=False), steps=st.integers(1, 12))
async def test_a_run_that_never_answers_always_ends(stage: Stage, seed: Random, steps: int) -> None:
    """Whatever a model proposes, right or wrong, within its steps the run has an outcome."""

    def script(asked: Asked) -> Step:
        names = ["lookup", "put", "invented", "read_artifact"]
        texts = ["{}", '{"key": "a"}', '{"item": "b"}', "[", "null", '{"key": "c", "key": "d"}']
        wanted = [(seed.choice(names), seed.choice(texts)) for _ in range(seed.randint(1, 3))]
        return calls(*wanted)

    await stage.stop()
    tools = [reading(), writing(World(), idempotent=True)]
    await stage.play(agent(tools=tools, limits=Limits(steps=steps)), script)
    handle = await stage.start()
    status = await stage.until(
        handle, lambda s: s.question or s.state in {"COMPLETE", "REJECTED", "FAILED"}
    )
    if status.question:
        await handle.signal("reject")
    result = await stage.result(handle)

    assert result.outcome in {Outcome.LIMIT, Outcome.ABORTED}
    assert result.turns <= steps


@pytest.mark.requirement("C5:alert")
async def test_most_of_a_budget_is_announced_once(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """At eighty percent an alert is raised, and not again."""
    stage.cached = 10  # a replay would say nothing, and neither does a replayed task
    await stage.play(agent(tools=[reading()], limits=Limits(steps=10)), restless)

    with caplog.at_level("WARNING", logger="temporalio.workflow"):
        await stage.run()

    said = [
        record.message for record in caplog.records if "of the budget is used" in record.message
    ]
    assert len(said) == 1
    assert said[0].startswith("80 %")
