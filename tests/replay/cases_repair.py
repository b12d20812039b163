"""Repairs."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fakes import Script
from tests.replay.cases import case
from tests.workflows import broken, repairs
from tests.workflows.stage import Handle, Stage


@case
async def repair_happy(stage: Stage) -> Handle:
    """A wrong operator, mended and committed."""
    return await _repair(stage, broken.rules, "approve")


@case
async def repair_rejected(stage: Stage) -> Handle:
    """A diff that a person does not approve."""
    return await _repair(stage, broken.rules, "reject")


@case
async def repair_given_up(stage: Stage) -> Handle:
    """Two rounds that mend nothing."""
    return await _repair(stage, lambda _: repairs.GIVE_UP, "", rounds=2)


@case
async def repair_refused(stage: Stage) -> Handle:
    """An input that goes to the dead letters."""
    return await _repair(stage, [], "", repository="")


@case
async def repair_continued(stage: Stage) -> Handle:
    """The last part of a repair that continued as new."""
    return await _repair(stage, lambda _: repairs.GIVE_UP, "", rounds=6)


async def _repair(stage: Stage, script: Script, signal: str, **more: object) -> Handle:
    with TemporaryDirectory(prefix="repair-") as folder:
        repository = broken.repository(Path(folder) / "repository", broken.OPERATOR)
        await repairs.play(stage, Path(folder), script)
        handle = await repairs.begin(stage, repository, **more)
        if signal:
            await stage.asked(handle)
            await handle.signal(signal)
        await stage.closed(handle)
    return handle
