"""Runs whose tools and providers are away."""

from activities.breaking import BreakerControl
from agents.toolkit import ToolUnavailableError
from domain.breaker import BreakerPolicy
from domain.cascade import CascadePolicy
from runtime.breakers import Breakers
from tests.fakes import busy, call, calls
from tests.replay.cases import case
from tests.workflows.resilience import Refusing
from tests.workflows.stage import Handle, Stage, agent
from tests.workflows.world import World, reading, writing

LOST = ConnectionError("the line went dead")


@case
async def agent_paused(stage: Stage) -> Handle:
    """A provider and a tool that ask to be left alone, between failures and before."""
    stage.controls = [Refusing(2, between=True), Refusing(1, of="tool")]
    script = [busy(), call("put", item="a"), busy(), "done"]
    await stage.play(agent(tools=[writing(World())]), script)
    return await stage.start()


@case
async def agent_broken_off(stage: Stage) -> Handle:
    """Open breakers: another tool in place of a read, a gap for a write, nobody asked."""
    stage.controls = [BreakerControl(Breakers(stage.database))]
    policy = BreakerPolicy(failures=2, probe_s=600)
    away = ToolUnavailableError("closed for the night")
    tools = [
        reading({"a": LOST, "b": LOST}, "fetch", breaker=policy, attempts=2, fallback="spare"),
        reading(name="spare"),
        writing(World(), breaker=policy, trouble=[away, away]),
    ]
    script = [
        call("fetch", key="a"),
        call("fetch", key="b"),
        *[call("put", item=item) for item in "abc"],
        "done",
    ]
    await stage.play(agent(tools=tools, loops=None), script)
    return await stage.start()


@case
async def agent_cascade(stage: Stage) -> Handle:
    """Attempts that keep failing stop the run; it goes on when told."""
    tools = [reading({"a": LOST}, name, attempts=2) for name in ("fetch", "find")]
    both = calls(("fetch", {"key": "a"}), ("find", {"key": "a"}))
    policy = CascadePolicy(failures=4, window_s=600)
    await stage.play(agent(tools=tools, cascade=policy), [both, "done"])
    handle = await stage.start()
    await stage.stopped(handle)
    await handle.signal("retry")
    return handle
