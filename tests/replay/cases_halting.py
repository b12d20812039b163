"""Runs that were halted."""

from datetime import timedelta

from tests.fakes import call, calls
from tests.replay.cases import case
from tests.workflows.stage import Handle, Stage, agent
from tests.workflows.world import World, reading, writing
from workflows import policies


@case
async def agent_halted(stage: Stage) -> Handle:
    """A read and a write held together, a word by hand, then the word that lifts it."""
    tools = [reading(), writing(World(), idempotent=True)]
    wanted = calls(("lookup", {"key": "a"}), ("put", {"item": "b"}))
    await stage.play(agent(tools=tools), [wanted, "done"])
    placed = (await stage.halts.place("tenant", "halted", by="olga", reason="it went wild")).halt
    handle = await stage.start(tenant="halted")
    await stage.until(handle, lambda status: status.stop and status.stop.halted)
    await handle.signal("unhalted")
    await stage.until(handle, lambda status: status.stop and status.stop.halted)
    await stage.halts.lift("tenant", "halted", by="otto", reason="mended")
    await handle.signal("unhalted", {"ids": [placed.id], "by": "otto", "reason": "mended"})
    return handle


@case
async def agent_halted_undoing(stage: Stage) -> Handle:
    """A halt that nobody says is lifted, a run that is aborted under it, and what it undoes."""
    policies.HALTED_FIRST_LOOK = timedelta(milliseconds=300)
    world = World()
    tools = [writing(world, compensate="take"), writing(world, "take")]
    await stage.play(agent(tools=tools), [call("put", item="slow"), "done"])
    handle = await stage.start(tenant="undoing")
    await world.begun.wait()
    await stage.halts.place("tenant", "undoing", by="olga", reason="it went wild")
    world.go.set()
    await stage.until(handle, lambda status: status.stop and status.stop.halted)
    await handle.signal("abort")
    await stage.until(handle, lambda status: status.stop and status.stop.step == "take")
    await stage.halts.lift("tenant", "undoing", by="otto", reason="mended")
    return handle
