"""What every command that starts a workflow does: start, follow, and print what it came to."""

from typing import Any

from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError

from commands import console, results
from commands.errors import Exit
from commands.following import Waits, follow, report_wait
from commands.kinds import kinds
from commands.session import Session, session
from commands.starting import Start, announce, start, started_only
from domain.runs import RunResult


async def launch(kind: str, wanted: Start, *, as_json: bool) -> Exit:
    """Start a run, wait for it, and print its result; or what it has so far where it waits.

    Args:
        kind: The workflow, as `commands.kinds` calls it.
        wanted: The start; with `detach` nobody waits.
        as_json: Print for a machine.

    Raises:
        CommandError: It cannot be started, or closed as failed.
    """
    async with session() as opened:
        started = await start(opened, wanted)
        announce(opened, started)
        if wanted.detach:
            return started_only(started, as_json=as_json)
        came_to = await follow(opened, started.run_id, silent=as_json)
        if not isinstance(came_to, Waits):
            return results.run_result(started.run_id, came_to, as_json=as_json, kind=kind)
        await _show_waiting(opened, kind, came_to, as_json=as_json)
        return report_wait(opened, came_to)


async def so_far(opened: Session, kind: str, run_id: str) -> RunResult | None:
    """Return what a run under way has come to; None where no worker can say."""
    model: Any = kinds()[kind].result
    try:
        return await opened.client.get_workflow_handle(run_id).query("so_far", result_type=model)
    except (RPCError, WorkflowQueryFailedError):
        return None


async def _show_waiting(opened: Session, kind: str, waits: Waits, *, as_json: bool) -> None:
    if as_json:
        console.emit(results.waits_json(waits))
    elif (found := await so_far(opened, kind, waits.root)) is not None:
        results.show(found, kind, waiting=True)
