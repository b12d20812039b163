"""Runs whose model failed, whose tenant was capped, whose reply was kept, whose budget ran low."""

from datetime import timedelta

from domain.budget import Limits
from domain.routing import LARGE, RoutingPolicy
from runtime.caps import Caps
from tests.fakes import Asked, Step, busy
from tests.replay.cases import case
from tests.workflows.stage import Handle, Stage, agent
from tests.workflows.test_gateway import looks, routed


@case
async def agent_fell_back(stage: Stage) -> Handle:
    """The first model is left, asked again in vain, and then is back."""

    def script(asked: Asked) -> Step:
        down = asked.model == "gpt-5-mini" and len(asked.results) in {1, 2}
        return busy() if down else looks(asked, 4)

    await stage.play(routed(RoutingPolicy(attempts=2, back_after_s=0.001)), script)
    return await stage.start()


@case
async def agent_routed(stage: Stage) -> Handle:
    """A plan of the large model, turns of the agent's own, and then the small one's."""
    policy = RoutingPolicy(purposes={"plan": LARGE}, small_below=0.5)
    plan = '{"steps": [{"action": "look", "tools": ["lookup"]}]}'

    def script(asked: Asked) -> Step:
        return plan if asked.purpose == "plan" else looks(asked, 5)

    await stage.play(routed(policy, plan="checked", limits=Limits(steps=8)), script)
    return await stage.start()


@case
async def agent_capped(stage: Stage) -> Handle:
    """Its tenant's cap stops it, and it goes on when that was raised."""
    caps = Caps(stage.database)
    await caps.set("capped", "day", tokens=1)
    await stage.play(routed(), ["done"])
    handle = await stage.start(tenant="capped")
    await stage.stopped(handle)
    await caps.set("capped", "day", tokens=100_000)
    await handle.signal("retry")
    return handle


@case
async def agent_kept(stage: Stage) -> Handle:
    """The second of two runs of the same task: its reply was kept."""
    await stage.play(agent(cache=timedelta(hours=1)), ["done"])
    await stage.closed(await stage.start())
    return await stage.start()
