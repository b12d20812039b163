"""Which model a run asks: by purpose, by budget, by what has failed, by who may read its data."""

from collections.abc import Callable
from typing import Any

import pytest

from activities.providers.base import ProviderError
from agents.toolkit import Agent
from domain.budget import Limits
from domain.routing import LARGE, ROUTES, SMALL, RoutingPolicy
from domain.run import Outcome
from tests.fakes import Asked, Step, busy, call, calls, refused
from tests.workflows.stage import Stage, agent
from tests.workflows.test_agent import snapshot
from tests.workflows.world import reading

FIRST, SECOND = "openai:gpt-5-mini", "anthropic:claude-haiku-4-5"
QUICK = RoutingPolicy(attempts=2, back_after_s=0)


def routed(policy: RoutingPolicy | None = QUICK, **changes: Any) -> Agent:
    """Return an agent with two models."""
    told: dict[str, Any] = {"tools": [reading()], "route": [FIRST, SECOND], "routing": policy}
    return agent(**(told | changes))


def models(stage: Stage) -> list[str]:
    """Return the models that were asked, in order."""
    return [asked.model for asked in stage.provider.asked]


def looks(asked: Asked, turns: int = 6) -> Step:
    """Look up something new each turn, then answer."""
    done = len(asked.results)
    return "done" if done >= turns else call("lookup", key=str(done))


def down_from(turn: int, turns: int = 6) -> Callable[[Asked], Step]:
    """Return a script in which the first model's provider is down from a turn on."""

    def script(asked: Asked) -> Step:
        down = asked.model == "gpt-5-mini" and len(asked.results) + 1 >= turn
        return busy() if down else looks(asked, turns)

    return script


# --- when a provider fails


@pytest.mark.requirement("C5.5:fallback")
async def test_a_run_goes_on_with_the_other_vendor(stage: Stage) -> None:
    """Down from turn 4 on: each turn is bought once, and the transcript is the whole one."""
    await stage.play(routed(), down_from(4))

    handle = await stage.start()
    result = await stage.result(handle)

    assert result.outcome is Outcome.COMPLETED
    assert models(stage) == ["gpt-5-mini"] * 5 + ["claude-haiku-4-5"] * 4
    assert stage.provider.bought_twice == 0
    assert len(stage.provider.sold) == result.turns == 7
    state = await snapshot(handle, 7)
    other = next(asked for asked in stage.provider.asked if asked.model == "claude-haiku-4-5")
    assert list(other.messages) == state.messages[: len(other.messages)]
    assert len(other.messages) == 7
    assert result.spend.lost_tokens == 0


@pytest.mark.requirement("C5.5:fallback")
async def test_parallel_calls_are_carried_over(stage: Stage) -> None:
    """With the ids that the first vendor gave, and a result for each."""

    def script(asked: Asked) -> Step:
        if not asked.results:
            return calls(("lookup", {"key": "a"}), ("lookup", {"key": "b"}))
        return refused() if asked.model == "gpt-5-mini" else "done"

    await stage.play(routed(), script)

    result = await stage.run()

    assert result.outcome is Outcome.COMPLETED
    carried = stage.provider.asked[-1].messages
    assert [made.id for made in carried[1].calls] == [said.call_id for said in carried[2:]]


@pytest.mark.requirement("C5.5:fallback-at-once")
@pytest.mark.parametrize(("trouble", "asked"), [(refused, 1), (busy, 2)])
async def test_what_no_attempt_mends_is_left_at_once(
    stage: Stage, trouble: Callable[[], ProviderError], asked: int
) -> None:
    """A refused key or a used-up quota; an outage after the attempts that the agent declares."""

    def script(said: Asked) -> Step:
        return trouble() if said.model == "gpt-5-mini" else "done"

    await stage.play(routed(), script)

    result = await stage.run()

    assert result.outcome is Outcome.COMPLETED
    assert models(stage) == ["gpt-5-mini"] * asked + ["claude-haiku-4-5"]


@pytest.mark.requirement("C5.5:fallback-at-once")
async def test_when_all_have_failed_a_person_is_asked_and_the_first_begins(stage: Stage) -> None:
    """The run stops; after retry it asks its first model, which was mended."""

    def script(asked: Asked) -> Step:
        return refused() if len(stage.provider.asked) <= 2 else "done"

    await stage.play(routed(), script)
    handle = await stage.start()
    status = await stage.stopped(handle)
    await handle.signal("retry")
    result = await stage.result(handle)

    assert status.stop is not None
    assert SECOND in status.stop.hint
    assert result.outcome is Outcome.COMPLETED
    assert models(stage) == ["gpt-5-mini", "claude-haiku-4-5", "gpt-5-mini"]


@pytest.mark.requirement("C5.5:back")
async def test_the_first_model_is_asked_again_after_a_while(stage: Stage) -> None:
    """With one attempt; if it fails the other goes on, if it answers the run is back."""
    policy = RoutingPolicy(attempts=2, back_after_s=0.001)

    def script(asked: Asked) -> Step:
        down = asked.model == "gpt-5-mini" and len(asked.results) in {1, 2}
        return busy() if down else looks(asked, 4)

    await stage.play(routed(policy), script)

    result = await stage.run()

    assert result.outcome is Outcome.COMPLETED
    assert models(stage) == [
        "gpt-5-mini",
        *("gpt-5-mini", "gpt-5-mini", "claude-haiku-4-5"),  # left after two attempts
        *("gpt-5-mini", "claude-haiku-4-5"),  # asked once more, in vain
        "gpt-5-mini",  # back
        "gpt-5-mini",
    ]
    assert stage.provider.bought_twice == 0


@pytest.mark.requirement("C5.5:back")
async def test_without_a_policy_a_run_stays_with_the_other_model(stage: Stage) -> None:
    """As it was before there were policies: so do runs that began then."""
    script = down_from(2, turns=3)

    def refusing(asked: Asked) -> Step:
        step = script(asked)
        return refused() if isinstance(step, ProviderError) else step

    await stage.play(routed(None), refusing)

    await stage.run()

    assert models(stage) == ["gpt-5-mini"] * 2 + ["claude-haiku-4-5"] * 3


# --- by purpose, and by what is left


@pytest.mark.requirement("C5.5:by-purpose")
async def test_a_call_goes_to_the_route_of_its_purpose(stage: Stage) -> None:
    """A plan and turns to the agent's model where it does not say; here plans are the large's."""
    policy = RoutingPolicy(purposes={"plan": LARGE})
    plan = '{"steps": [{"action": "look", "tools": ["lookup"]}]}'

    def script(asked: Asked) -> Step:
        return plan if asked.purpose == "plan" else "done"

    await stage.play(routed(policy, plan="checked"), script)

    result = await stage.run()

    assert result.outcome is Outcome.COMPLETED
    assert models(stage) == [ROUTES[LARGE][0].partition(":")[2], "gpt-5-mini"]


@pytest.mark.requirement("C5.5:names")
async def test_a_route_may_be_a_name(stage: Stage) -> None:
    """What it stands for is in the spec that the run keeps; a name that nobody knows is refused."""
    await stage.play([routed(route=[SMALL]), agent("lost", route=["gigantic"])], ["done"])
    handle = await stage.start()
    result = await stage.result(handle)
    other = await stage.run(agent="lost")

    assert models(stage) == [ROUTES[SMALL][0].partition(":")[2]]
    spec = (await snapshot(handle, 1)).spec
    assert spec is not None
    assert spec.route == ROUTES[SMALL]
    assert result.outcome is Outcome.COMPLETED
    assert other.outcome is Outcome.REJECTED
    assert "'gigantic' is neither" in other.reason


@pytest.mark.requirement("C5.5:by-budget")
async def test_little_budget_makes_the_small_model_take_over(stage: Stage) -> None:
    """Below half of the steps every call goes to the small route, and none goes back."""
    policy = RoutingPolicy(small_below=0.5)
    await stage.play(routed(policy, limits=Limits(steps=8)), looks)

    result = await stage.run()

    small = ROUTES[SMALL][0].partition(":")[2]
    assert result.outcome is Outcome.COMPLETED
    assert models(stage) == ["gpt-5-mini"] * 5 + [small] * 2
