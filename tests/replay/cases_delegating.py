"""Agents that call agents, and one that goes on instead of another."""

from tests.fakes import call, refused
from tests.replay.cases import case
from tests.workflows.stage import Handle, Stage
from tests.workflows.team import by_agent, team
from tests.workflows.test_handing_on import LEAVE
from tests.workflows.world import World, writing


@case
async def agent_asks_another(stage: Stage) -> Handle:
    """Two calls of a helper in one turn, and its answers."""
    script = by_agent(
        caller=[call("ask_helper", item="a"), call("ask_helper", item="b"), "done"],
        helper=["first", "second"],
    )
    await stage.play(team(), script)
    return await stage.start()


@case
async def agent_undoes_below(stage: Stage) -> Handle:
    """A cancel that has a helper undo what it did."""
    tools = [writing(World(), compensate="take"), writing(World(), "take")]
    script = by_agent(
        caller=[call("ask_helper", item="a"), refused()], helper=[call("put", item="1"), "done"]
    )
    await stage.play(team(helper={"tools": tools}), script)
    handle = await stage.start()
    await stage.stopped(handle)
    await handle.cancel()
    return handle


@case
async def agent_handed_on(stage: Stage) -> Handle:
    """The second half of a run that was handed on."""
    script = by_agent(caller=[call("hand_to_helper", item="a")], helper=["mine"])
    await stage.play(team([LEAVE]), script)
    return await stage.start()
