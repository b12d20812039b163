"""`retry`, `skip`, `abort`: how a stopped run goes on."""

from collections.abc import Callable, Coroutine
from typing import Any

from commands import console, options, reading
from commands.approvals import need_worker
from commands.console import safe
from commands.errors import CommandError, Exit
from commands.reading import Listed
from commands.session import Session, session, whoami


def _way_on(verdict: str, says: str) -> Callable[..., Coroutine[Any, Any, Exit]]:
    """Return the command that answers a stopped run with `verdict`."""

    async def command(
        run_id: options.RunId,
        reason: options.Reason = "",
        by: options.By = "",
        json: options.Json = False,
    ) -> Exit:
        return await _unstop(run_id, verdict, reason, by, as_json=json)

    command.__name__, command.__doc__ = verdict, says
    return command


retry = _way_on("retry", "Try the stopped step again, once its cause is mended.")
skip = _way_on("skip", "Go on without the stopped step; the model is told the error.")
abort = _way_on(
    "abort", "End a stopped run where it is; what it wrote is undone as far as that can be."
)


async def _unstop(run_id: str, verdict: str, reason: str, by: str, *, as_json: bool) -> Exit:
    given = {"verdict": verdict, "reason": reason, "by": by or whoami()}
    fields = {name: value for name, value in given.items() if value}
    async with session() as opened:
        found = reading.listed(await reading.described(opened, run_id))
        if not found.is_open:
            raise CommandError(
                f"run {run_id!r} has closed ({found.execution.lower()}), so it is not stopped; "
                f"a failed run is taken up again by `python starter.py resume {run_id}`"
            )
        await need_worker(opened)
        answered = await _stopped_below(opened, found) or [run_id]
        for each in answered:
            await opened.update(each, "unstop", fields, str)
    if as_json:
        console.emit({"run_id": run_id, "verdict": verdict, "answered": answered})
    else:
        for each in answered:
            console.out().print(f"[green]✓[/] {verdict} {safe(each)}")
        console.note(f"watch it go on: python starter.py watch {run_id}")
    return Exit.OK


async def _stopped_below(opened: Session, found: Listed) -> list[str]:
    """Return the stopped runs below one that goes on: one cause mostly stops them all."""
    if found.state == "STOPPED":
        return []
    waiting = await reading.waiting(opened, found.run_id)
    return [run.run_id for run in waiting if run.state == "STOPPED" and run.run_id != found.run_id]
