"""`top`: the runs under way, what wants a person first, drawn anew every few seconds."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, NamedTuple

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text
from temporalio.service import RPCError

from commands import console, options, views
from commands.console import safe
from commands.errors import Exit, explain
from commands.fleet import Fleet, Look, Row
from commands.runs import row as as_row
from commands.session import NO_WORKER, session
from domain.run import Status
from runtime.database import DatabaseError

Interval = Annotated[float, typer.Option("--interval", min=0.5, help="Seconds between two looks.")]
Once = Annotated[bool, typer.Option("--once", help="Show it once, and end.", metavar="")]
Every = Annotated[
    bool, typer.Option("--all", "-a", help="A row for each run below others, too.", metavar="")
]
OfTenant = Annotated[str, typer.Option("--tenant", help="Only this tenant's runs.")]
Most = Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000, help="How many rows.")]

_SHOWN: Final = {
    "approval": "[bold yellow]asks[/]",
    "stopped": "[bold yellow]stopped[/]",
    "halted": "[magenta]halted[/]",
}


class _Column(NamedTuple):
    """A column; without a width it has what is left of the line.

    Attributes:
        always: It is there on a narrow terminal, too.
    """

    name: str
    width: int = 0
    right: bool = False
    always: bool = True


_RUN, _AGENT, _FOR = "run", "agent", "for"
_COLUMNS: Final = (
    _Column("state", 10),
    _Column(_RUN),
    _Column(_AGENT, always=False),
    _Column("turns", 6, right=True),
    _Column("spent", 8, right=True),
    _Column("of budget", 10, always=False),
    _Column("age", 11, right=True, always=False),
    _Column("waits", 11, right=True),
    _Column(_FOR, always=False),
)
_WIDE: Final = 110
"""Characters of a line that all columns have room in."""
_GAP, _LEAST_RUN, _LEAST_FOR = 2, 12, 20
_FRAME: Final = 10
"""Lines around the rows: the counts, what is held back, the table's head."""
_WHOLE, _MUCH, _CELLS = 1.0, 0.8, 5
_MOST_LETTERS: Final = 100


async def top(
    *,
    interval: Interval = 2.0,
    once: Once = False,
    every: Every = False,
    tenant: OfTenant = "",
    limit: Most = 200,
    json: options.Json = False,
) -> Exit:
    """Show the runs under way: state, turns, spend, who is waited for and how long.

    What wants a person comes first. Ctrl-C ends it; where nobody looks at a terminal it ends by
    itself after one look.
    """
    async with session() as opened:
        look = Look(opened, tenant=tenant, every=every)
        if json:
            console.emit(as_json(await look.look(limit)))
        elif once or not sys.stdout.isatty():
            console.out().print(drawn(await look.look(limit)))
        else:
            await _live(look, interval, limit)
    return Exit.OK


async def _live(look: Look, interval: float, limit: int) -> None:
    """Draw until Ctrl-C; a server that is away for a while is said and waited for."""
    out = console.out()
    with Live(console=out, auto_refresh=False, screen=True, vertical_overflow="crop") as live:
        shown: RenderableType = Text("looking …", style="dim")
        try:
            while True:
                fits = max(min(limit, out.height - _FRAME), 3)
                try:
                    shown = drawn(await look.look(fits))
                    live.update(shown, refresh=True)
                except (RPCError, DatabaseError, OSError) as error:
                    line, _ = explain(error) or (str(error), Exit.FAILED)
                    worry = Text(f"! {line}; looking again", style="yellow")
                    live.update(Group(worry, shown), refresh=True)
                await asyncio.sleep(interval)
        except asyncio.CancelledError:
            pass  # Ctrl-C is how it ends, and nothing of the runs
    out.print(shown)


# --- as it looks


def drawn(fleet: Fleet) -> RenderableType:
    """Return the whole picture."""
    parts: list[RenderableType] = [_head(fleet), *_held(fleet)]
    if fleet.rows:
        parts += ["", _table(fleet)]
    else:
        parts.append(Text("\nno run is under way", style="dim"))
    if fleet.more:
        parts.append(Text(f"… and {fleet.more:,} more", style="dim"))
    return Group(*parts)


def _head(fleet: Fleet) -> Text:
    counts = fleet.counts
    asks, stopped = counts["wait_for_approval"], counts["stopped"]
    parts = [
        f"[bold]{counts['under_way']:,}[/] under way",
        f"[bold yellow]{asks:,} ask a person[/]" if asks else "nobody is asked",
        f"[bold yellow]{stopped:,} stopped[/]" if stopped else "",
        f"[magenta]{counts['halted']:,} halted[/]" if counts["halted"] else "",
        _workers(fleet.workers),
        f"[yellow]{_letters(fleet.letters)}[/]" if fleet.letters else "",
        f"[dim]{fleet.at:%Y-%m-%d %H:%M:%S} UTC[/]",
    ]
    return Text.from_markup(" · ".join(part for part in parts if part))


def _workers(number: int) -> str:
    if not number:
        return f"[bold red]no worker[/]: {safe(NO_WORKER)}"
    return f"{number} worker{'s' if number > 1 else ''}"


def _letters(number: int) -> str:
    many = f"{number:,}" if number < _MOST_LETTERS else f"{number:,} or more"
    return f"{many} dead letter{'s' if number > 1 else ''}"


def _held(fleet: Fleet) -> list[RenderableType]:
    """Return a line for each halt, breaker and pause."""
    now = fleet.at
    lines = [f"[magenta]halt[/]     {safe(halt.told)}" for halt in fleet.halts]
    for each in fleet.breakers:
        since = views.duration((now - each.since).total_seconds())
        state = each.state.value.replace("_", " ")
        why = safe(_short(each.reason))
        lines.append(f"[red]breaker[/]  {safe(each.name)} {state} for {since}: {why}")
    for each in fleet.pauses:
        left = views.duration(max((each.until - now).total_seconds(), 0))
        why = safe(_short(each.reason))
        lines.append(f"[yellow]pause[/]    {safe(each.name)} for {left} more: {why}")
    return [Text.from_markup(line, overflow="ellipsis") for line in lines]


def _table(fleet: Fleet) -> Table:
    """Return the runs; a narrow terminal is spared what `show` tells of one."""
    line = console.out().width
    columns = [each for each in _COLUMNS if line >= _WIDE or each.always]
    table = console.table(*(each.name for each in columns))
    widths = _widths(fleet, columns, line)
    for column, each in zip(table.columns, columns, strict=True):
        column.overflow, column.no_wrap = "ellipsis", True
        column.justify = "right" if each.right else "left"
        column.width = widths[each.name]
    for row in fleet.rows:
        cells = dict(zip(_COLUMNS, _cells(row, fleet.at), strict=True))
        table.add_row(*(cells[each] for each in columns))
    return table


def _widths(fleet: Fleet, columns: Sequence[_Column], line: int) -> dict[str, int]:
    """Return how wide each column is: names as wide as they need, as far as the line goes."""
    found = {each.name: each.width for each in columns}
    room = line - sum(found.values()) - _GAP * (len(columns) - 1)
    names = max((len(_name(row)) for row in fleet.rows), default=0)
    if _FOR not in found:
        return found | {_RUN: min(max(names, _LEAST_RUN), room)}
    agents = max((len(row.run.agent or row.run.workflow) for row in fleet.rows), default=0)
    room -= _LEAST_FOR
    found[_RUN] = min(names, max(room * 2 // 3, room - agents, _LEAST_RUN))
    found[_AGENT] = min(agents, max(room - found[_RUN], len(_AGENT)))
    found[_FOR] = _LEAST_FOR + max(room - found[_RUN] - found[_AGENT], 0)
    return found


def _name(row: Row) -> str:
    return f"{row.run.run_id}{f' +{row.below:,} below' if row.below else ''}"


def _cells(row: Row, now: datetime) -> list[str]:
    run, said = row.run, row.said
    below = f" [dim]+{row.below:,} below[/]" if row.below else ""
    waits = views.duration((now - row.since).total_seconds()) if row.since else ""
    return [
        _SHOWN.get(row.wants) or views.state(said.state if said else run.state),
        f"{safe(run.run_id)}{below}",
        safe(run.agent or run.workflow),
        f"{said.turn:,}" if said else "[dim]?[/]",
        views.money(str(said.spend.cost_usd) if said else run.cost_usd),
        _budget(said),
        views.duration(run.seconds),
        waits or ("[dim]?[/]" if row.wants else ""),
        safe(_short(row.asks)),
    ]


def share(said: Status | None) -> float | None:
    """Return the largest part of a limit that a run has used; None where it has none."""
    if said is None or not said.limits:
        return None
    spend, limits = said.spend, said.limits
    pairs = (
        (spend.steps, limits.get("steps")),
        (spend.tokens, limits.get("tokens")),
        (spend.cost_usd, limits.get("cost_usd")),
    )
    parts = [float(used) / float(most) for used, most in pairs if most and float(most) > 0]
    return max(parts, default=None)


def _budget(said: Status | None) -> str:
    """Return how much of its budget a run has used, as a bar."""
    used = share(said)
    if used is None:
        return ""
    filled = min(round(used * _CELLS), _CELLS)
    colour = "red" if used >= _WHOLE else "yellow" if used >= _MUCH else "cyan"
    bar = f"[{colour}]{'━' * filled}[/][dim]{'─' * (_CELLS - filled)}[/]"
    return f"{bar} {used:.0%}"


def _short(text: str, most: int = 120) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"


# --- for a machine


def as_json(fleet: Fleet) -> dict[str, Any]:
    """Return the whole picture as JSON types."""
    return {
        "at": fleet.at.isoformat(),
        "counts": fleet.counts,
        "workers": fleet.workers,
        "dead_letters": fleet.letters,
        "halts": [console.plain(each) for each in fleet.halts],
        "breakers": [console.plain(each) for each in fleet.breakers],
        "pauses": [console.plain(each) for each in fleet.pauses],
        "runs": [_run(row) for row in fleet.rows],
        "more": fleet.more,
    }


def _run(row: Row) -> dict[str, Any]:
    said, since = row.said, row.since
    now = datetime.now(UTC)
    return {
        **as_row(row.run),
        "wants": row.wants or None,
        "asks": row.asks or None,
        "waits_since": since.isoformat() if since else None,
        "waits_seconds": round((now - since).total_seconds(), 3) if since else None,
        "turns": said.turn if said else None,
        "spend": console.plain(said.spend) if said else None,
        "limits": said.limits if said else None,
        "share_of_budget": share(said),
        "below": row.below,
    }
