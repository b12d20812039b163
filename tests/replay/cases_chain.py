"""Chains."""

from tests.fakes import refused
from tests.replay.cases import case
from tests.workflows import chains
from tests.workflows.stage import Handle, Stage


@case
async def chain_happy(stage: Stage) -> Handle:
    """Two steps, of which the second is given a cut text."""
    await chains.play(stage, chains.by_step(read=chains.READ, write=chains.WRITE))
    return await chains.begin(stage, chains.two_steps(take={"facts": {"most": 5}}))


@case
async def chain_stopped(stage: Stage) -> Handle:
    """A step that a person ends."""
    await chains.play(stage, chains.by_step(read=chains.READ, write=refused()))
    handle = await chains.begin(stage, chains.two_steps())
    child = stage.client.get_workflow_handle(f"{handle.id}/write")
    await stage.until(handle, lambda status: status.tool == "write")
    await stage.stopped(child)
    await child.signal("abort")
    return handle


@case
async def chain_refused(stage: Stage) -> Handle:
    """An input that goes to the dead letters."""
    await chains.play(stage, [])
    return await chains.begin(stage, {})


@case
async def chain_continued(stage: Stage) -> Handle:
    """The last part of a chain that continued as new."""
    await chains.play(stage, chains.next_number)
    return await chains.begin(stage, chains.longer(15))
