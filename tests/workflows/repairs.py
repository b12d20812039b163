"""Repairs for tests: how to run one, and what is left of it."""

from pathlib import Path
from typing import Any

from activities.repair import RepairActivities
from agents.repair.spec import AGENT
from domain.repair import RepairResult
from runtime.serving import activities_of
from tests.fakes import Script, answer, call
from tests.workflows import broken
from tests.workflows.stage import Handle, Stage

GIVE_UP = answer(title="Nothing was mended", diagnosis="I do not know", fixed=False)
MEND = call("repo_edit", path="prices.py", old="net - tax", new="net + tax")


async def play(stage: Stage, folder: Path, script: Script) -> None:
    """Serve the repair agent with a model that follows `script`."""
    url = stage.database.url.render_as_string(hide_password=False)
    stage.more = activities_of(RepairActivities(folder / "repairs", url))
    await stage.play(AGENT, script)


async def begin(stage: Stage, at: Path, **more: Any) -> Handle:
    """Start a repair of the repository in a folder."""
    asked = {"repository": str(at), "test": broken.TEST, "command": {"seconds": 20}}
    return await stage.begin("RepairWorkflow", asked | more)


async def ended(stage: Stage, handle: Handle) -> RepairResult:
    """Wait for a repair's end; look at its history; return its result."""
    await stage.closed(handle)
    return await stage.client.get_workflow_handle(handle.id, result_type=RepairResult).result()


def left(folder: Path) -> list[str]:
    """Return what is left of the copies."""
    place = folder / "repairs"
    return [str(path) for path in place.rglob("*")] if place.exists() else []
