"""`breakers`: which tools and providers are held back now, for all workers, and why."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from commands import console, options, views
from commands.console import safe
from commands.errors import Exit
from commands.groups import ListFirst, group
from commands.session import whoami
from domain.breaker import Breaker, BreakerState
from domain.pause import Pause
from runtime.breakers import BreakerNotFound, Breakers
from runtime.database import Database, opened
from runtime.pauses import Pauses
from runtime.settings import Settings

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="As `breakers` shows it; a tool's own name will do.")
]
Every = Annotated[bool, typer.Option("--all", "-a", help="Also those that are closed.", metavar="")]
_KINDS: Final = ("", "tool.", "llm.")
_SHOWN: Final = {
    BreakerState.CLOSED: "[green]closed[/]",
    BreakerState.HALF_OPEN: "[yellow]half open[/]",
    BreakerState.OPEN: "[red]open[/]",
}


async def list_breakers(every: Every = False, json: options.Json = False) -> Exit:
    """List open breakers and pauses: since when, why, and when the next attempt may be made."""
    async with opened(Settings.load()) as database:
        breakers, pauses = await _held(database)
    shown = [each for each in breakers if every or each.state is not BreakerState.CLOSED]
    if json:
        console.emit([*map(_breaker_row, shown), *map(_pause_row, pauses.values())])
        return Exit.OK
    if not shown and not pauses:
        more = "" if every or not breakers else "; --all shows those that are closed again"
        console.note(f"nothing is held back{more}")
        return Exit.OK
    right = ("failures", "opened", "next in")
    table = console.table(
        "name", "state", "since", "failures", "opened", "next in", "why", right=right
    )
    for each in shown:
        counted = each.failures + each.failures_before
        numbers = str(counted), str(each.opened), _until(each.next_probe)
        table.add_row(
            safe(each.name), _SHOWN[each.state], _at(each.since), *numbers, safe(each.reason)
        )
    for pause in pauses.values():
        name, at, until = safe(pause.name), _at(pause.at), _until(pause.until)
        table.add_row(name, "[yellow]paused[/]", at, "", "", until, safe(pause.reason))
    console.out().print(table)
    return Exit.OK


async def reset(name: Name, by: options.By = "", json: options.Json = False) -> Exit:
    """Let calls through again at once: closes the breaker, and ends a pause, of that name."""
    who = by or whoami()
    async with opened(Settings.load()) as database:
        breakers, pauses = await _held(database)
        known = {each.name: each for each in breakers}
        found = next((k + name for k in _KINDS if k + name in {*known, *pauses}), "")
        if not found:
            raise BreakerNotFound(
                f"no breaker or pause {name!r}; there are {sorted({*known, *pauses}) or 'none'}"
            )
        if found in known:
            await Breakers(database).reset(found, by=who)
        if found in pauses:
            await Pauses(database).lift(found, by=who)
    if json:
        console.emit({"name": found, "state": "closed"})
    else:
        console.out().print(f"{safe(found)}: closed, and not paused")
    return Exit.OK


async def _held(database: Database) -> tuple[list[Breaker], dict[str, Pause]]:
    return await Breakers(database).list(), await Pauses(database).under_way()


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _until(moment: datetime | None) -> str:
    if moment is None:
        return ""
    seconds = (moment - datetime.now(UTC)).total_seconds()
    return views.duration(seconds) if seconds > 0 else "now"


def _breaker_row(breaker: Breaker) -> dict[str, Any]:
    return {**console.plain(breaker), "kind": "breaker"}


def _pause_row(pause: Pause) -> dict[str, Any]:
    return {**console.plain(pause), "kind": "pause", "state": "paused"}


def breakers() -> typer.Typer:
    """Return the commands, put together."""
    made = group(
        "Circuit breakers and pauses: what is held back now, for all workers.",
        {"list": list_breakers, "reset": reset},
    )
    made.info.cls = ListFirst
    made.info.no_args_is_help = False
    return made
