"""Where a run's words may go, which replies it need not buy, and when its tenant has no more."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from domain.budget import Usage
from domain.routing import LARGE, SMALL, RoutingPolicy
from domain.run import Outcome
from runtime.caps import Caps
from tests.fakes import Asked, Say, Step, call, refused
from tests.workflows.chains import READ, WRITE, by_step, play, ran, two_steps
from tests.workflows.stage import Stage, agent
from tests.workflows.team import by_agent, team
from tests.workflows.test_gateway import FIRST, models, routed
from tests.workflows.world import World, reading, writing

# --- private agents


@pytest.mark.requirement("C5.5:private")
@pytest.mark.parametrize("route", [[FIRST], ["local:own", FIRST], [SMALL]])
async def test_a_private_agent_with_a_way_out_is_not_started(
    stage: Stage, route: list[str]
) -> None:
    """Not even as a fallback."""
    await stage.play(agent(private=True, route=route), ["done"])

    result = await stage.run()

    assert result.outcome is Outcome.REJECTED
    assert "is private" in result.reason
    assert models(stage) == []


@pytest.mark.requirement("C5.5:private")
async def test_a_private_run_stays_at_home(stage: Stage) -> None:
    """Plan and turns, and when it fails: it stops rather than ask another."""
    policy = RoutingPolicy(purposes={"plan": LARGE}, small_below=0.9)
    served = agent(
        private=True,
        route=["local:own", "local:second"],
        routing=policy,
        plan="checked",
        tools=[reading()],
    )

    await stage.play(served, lambda _: refused())
    handle = await stage.start()
    await stage.stopped(handle)
    await handle.signal("abort")
    await stage.result(handle)

    assert models(stage) == ["own", "second"]


@pytest.mark.requirement("C5.5:private")
async def test_an_agent_below_a_private_one_is_private(stage: Stage) -> None:
    """One with a way out is found when the caller begins; one without is bound like its caller."""
    bound = RoutingPolicy(purposes={"turn": LARGE})
    home: dict[str, Any] = {"private": True, "route": ["local:own"]}
    served = team(helper={"route": ["local:small"], "routing": bound}, **home)
    await stage.play(
        served,
        by_agent(caller=[call("ask_helper", item="a"), "done"], helper=["known"]),
    )

    result = await stage.run()
    stage.agents["helper"] = agent("helper", route=[FIRST])
    other = await stage.run()

    assert result.outcome is Outcome.COMPLETED
    assert models(stage) == ["own", "small", "own"]
    assert other.outcome is Outcome.REJECTED
    assert "agent 'helper' is routed to" in other.reason


@pytest.mark.requirement("C5.5:private")
async def test_a_private_agents_answer_is_not_handed_to_another(stage: Stage) -> None:
    """In a run of several the step after it is not begun, since its data would leave the house."""
    kept = agent("kept", private=True, route=["local:own"], answer=None)
    chain = two_steps()
    chain["steps"][0]["agent"] = "kept"
    await play(stage, by_step(read=READ, write=WRITE), kept)

    result = await ran(stage, chain)

    assert result.outcome is not Outcome.COMPLETED
    assert "'kept' is private and 'step' is not" in f"{result.reason} {result.not_done}"
    assert models(stage) == ["own"]


# --- the cache, and the tenant's cap


@pytest.mark.requirement("C5.5:cache-on")
async def test_a_kept_reply_costs_a_run_nothing(stage: Stage) -> None:
    """Its result says how many it did not buy; its effects are its own all the same."""
    world = World()
    task = f"put it {uuid4()}"
    served = agent(tools=[writing(world)], cache=timedelta(hours=1))

    def script(asked: Asked) -> Step:
        return "done" if asked.results else call("put", item="1")

    await stage.play(served, script)
    first, second = await stage.run(task), await stage.run(task)

    assert len(stage.provider.sold) == 2
    assert (first.cached_turns, second.cached_turns) == (0, 2)
    assert first.spend.tokens > 0
    assert (second.spend.tokens, second.spend.cost_usd) == (0, 0)
    assert second.turns == second.spend.steps == 2
    assert len(set(world.keys)) == len(world.keys) == 2


@pytest.mark.requirement("C5.5:cache-off")
async def test_without_the_cache_each_prompt_is_bought(stage: Stage) -> None:
    """Which is what an agent does that says nothing of it."""
    await stage.play(agent(), ["done", "done"])

    results = [await stage.run("the same") for _ in range(2)]

    assert len(stage.provider.sold) == 2
    assert [result.cached_turns for result in results] == [0, 0]


@pytest.mark.requirement("C5.5:tenant-cap-stops")
async def test_a_run_over_its_tenants_cap_stops_until_the_cap_is_raised(stage: Stage) -> None:
    """It says whose cap it is and what to do; another model is not asked; nothing is bought."""
    caps, tenant = Caps(stage.database), f"tenant-{uuid4().hex[:8]}"
    await caps.set(tenant, "day", cost_usd=Decimal("0.00001"))
    await stage.play(routed(), ["done"])
    handle = await stage.start(tenant=tenant)
    status = await stage.stopped(handle)

    assert models(stage) == []
    assert status.stop is not None
    assert f"the cap of tenant '{tenant}'" in status.stop.reason
    assert "caps set" in status.stop.hint
    await caps.set(tenant, "day", cost_usd=Decimal(1))
    await handle.signal("retry")
    result = await stage.result(handle)
    assert result.outcome is Outcome.COMPLETED
    assert models(stage) == ["gpt-5-mini"]


@pytest.mark.requirement("C5.5:tenant-cap")
async def test_runs_at_once_do_not_pass_their_tenants_cap(stage: Stage) -> None:
    """Some complete, the others stop; what was spent is within the cap."""
    caps, tenant = Caps(stage.database), f"tenant-{uuid4().hex[:8]}"
    await caps.set(tenant, "day", tokens=12_000)
    usage = Usage(input_tokens=200, output_tokens=2_000)
    await stage.play(agent(), lambda _: Say("done", usage=usage))
    handles = [await stage.start(tenant=tenant) for _ in range(6)]

    ended = [
        await stage.until(handle, lambda status: status.stop or status.state == "COMPLETE")
        for handle in handles
    ]

    (cap,) = await caps.list(tenant)
    assert 0 < cap.used_tokens <= 12_000
    assert cap.used_tokens == 2_200 * len(stage.provider.sold)
    assert len(stage.provider.sold) < 6
    for handle, status in zip(handles, ended, strict=True):
        if status.stop:
            await handle.signal("abort")
        await stage.closed(handle)
