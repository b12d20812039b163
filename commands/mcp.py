"""`mcp`: Holdfast as an MCP server, and a look at the servers whose tools agents get."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from agents.interop import declared, pins
from agents.interop.declared import Declared
from agents.interop.pins import PIN, Pin, Pins, unusable
from agents.interop.tools import named
from agents.registry import agents
from agents.toolkit import ToolUnavailableError
from commands import console, options
from commands.console import safe
from commands.errors import Exit, Misuse
from domain.contract import canonical
from runtime.settings import Settings

Standing = Literal["pinned", "changed", "new", "gone", "unusable"]
_COLOURS: dict[Standing, str] = {
    "pinned": "green",
    "changed": "red",
    "new": "yellow",
    "gone": "red",
    "unusable": "red",
}
Names = Annotated[
    list[str] | None, typer.Argument(metavar="[SERVER]...", help="Only these; default: all.")
]
DoPin = Annotated[
    bool,
    typer.Option("--pin", help="Record what is there now: agents get that, and only that."),
]


@dataclass(frozen=True)
class Looked:
    """A tool as its server describes it now, or as it was pinned where it is gone.

    Attributes:
        name: What agents call it.
        reads: All of its text that a model reads: its description and its arguments'.
        pinned_reads: The same as it was pinned.
        reason: Why it is unusable.
    """

    server: str
    tool: str
    name: str
    standing: Standing
    hash: str
    effect: str
    agents: tuple[str, ...]
    reads: str
    pinned_reads: str = ""
    reason: str = ""


async def check(
    servers: Names = None,
    *,
    pin: DoPin = False,
    json: options.Json = False,
) -> Exit:
    """List the tools of the configured MCP servers, and what differs from what was pinned.

    A model reads a tool's description, so look at it before you pin it. Exit code 1 where a
    server cannot be reached or something is not as it was pinned.
    """
    file, entries = configured(Settings.load())
    pinned = pins.load(file) if not pin else _old_pins(file)
    wanted = _wanted(servers or [], entries)
    found, away = await looked_at(file, entries, wanted)
    rows = [row for name in wanted if name in found for row in _rows(name, entries, pinned, found)]
    if json:
        console.emit({"tools": [vars(row) for row in rows], "unreachable": away})
    else:
        _print(rows, away)
    if pin:
        kept = {name: tools for name, tools in pinned.servers.items() if name in entries.servers}
        written = pins.save(file, Pins(servers=kept | found))
        console.note(f"pinned in {str(written)!r}; a worker learns of it when it starts again")
        return Exit.FAILED if away else Exit.OK
    well = not away and all(row.standing == "pinned" for row in rows)
    if not well and not json and any(row.standing != "pinned" for row in rows):
        console.note(f"to accept what is there now: {PIN}")
    return Exit.OK if well else Exit.FAILED


def configured(settings: Settings) -> tuple[Path, Declared]:
    """Return the file of MCP servers, and what it says.

    Raises:
        Misuse: There is none.
        McpConfigError: It cannot be used.
    """
    file = settings.mcp_file
    if file is None:
        raise Misuse(
            f"no MCP servers are configured; name them in {str(settings.home / 'mcp.toml')!r}, or "
            "in a file that HOLDFAST_MCP names (docs/interoperation.md)"
        )
    return file, declared.load(file)


def _old_pins(file: Path) -> Pins:
    """Return the pins that new ones are laid over; damaged ones are replaced, not kept."""
    try:
        return pins.load(file)
    except declared.McpConfigError:
        return Pins()


def _wanted(servers: list[str], entries: Declared) -> list[str]:
    unknown = sorted(set(servers) - entries.servers.keys())
    if unknown:
        raise Misuse(f"no MCP server is called {unknown[0]!r}; there are {sorted(entries.servers)}")
    return servers or list(entries.servers)


async def looked_at(
    file: Path, entries: Declared, wanted: list[str]
) -> tuple[dict[str, tuple[Pin, ...]], dict[str, str]]:
    """Return the tools of each server that can be reached, and why the others cannot."""
    # The SDK takes a second to load, which no other command shall pay.
    from runtime.mcp_sessions import mcp_sessions  # noqa: PLC0415

    found: dict[str, tuple[Pin, ...]] = {}
    away: dict[str, str] = {}
    async with mcp_sessions(entries, file.parent, quiet=True) as sessions:
        for name in wanted:
            try:
                found[name] = tuple(await sessions.listing(name))
            except ToolUnavailableError as error:
                away[name] = str(error)
    return found, away


def _rows(
    server: str, entries: Declared, pinned: Pins, found: dict[str, tuple[Pin, ...]]
) -> list[Looked]:
    entry = entries.servers[server]
    before = {pin.name: pin for pin in pinned.of(server) or ()}
    now = {pin.name: pin for pin in found[server]}
    offered = [pin for pin in (before | now).values() if entry.offers(pin.name)]
    return [
        Looked(
            server=server,
            tool=pin.name,
            name=name,
            standing=_standing(before.get(pin.name), now.get(pin.name)),
            hash=pin.hash,
            effect=entry.tool(pin.name).effect.value
            + ("" if pin.name in entry.tools else " (not declared)"),
            agents=entry.agents_of(pin.name),
            reads=told(pin),
            pinned_reads=told(before[pin.name]) if pin.name in before else "",
            reason=unusable(pin),
        )
        for pin, name in zip(offered, named(server, offered), strict=True)
    ]


def _standing(before: Pin | None, now: Pin | None) -> Standing:
    if now is None:
        return "gone"
    if unusable(now):
        return "unusable"
    if before is None:
        return "new"
    return "pinned" if before.hash == now.hash else "changed"


def told(pin: Pin) -> str:
    """Return everything of a tool that a model reads and that a person should have read."""
    arguments = cast("dict[str, Any]", pin.parameters.get("properties") or {})
    lines = [f"  {name}: {canonical(schema).decode()}" for name, schema in arguments.items()]
    return "\n".join([f"  {pin.description or '(no description)'}", *lines])


def _print(rows: list[Looked], away: dict[str, str]) -> None:
    shown = console.out()
    table = console.table("server", "tool", "agents call it", "effect", "agents", "hash", "")
    for row in rows:
        table.add_row(
            safe(row.server),
            safe(row.tool),
            row.name,
            row.effect,
            safe(", ".join(row.agents)) or "nobody",
            row.hash,
            f"[{_COLOURS[row.standing]}]{row.standing}[/]",
        )
    if rows:
        shown.print(table)
    for row in rows:
        if row.standing != "pinned":
            shown.print(f"\n[bold]{safe(row.name)}[/] is {row.standing}. A model would read:")
            shown.print(safe(row.reads), soft_wrap=True)
        if row.standing == "changed":
            shown.print("It was pinned as:")
            shown.print(safe(row.pinned_reads), soft_wrap=True)
        if row.reason:
            console.warn(f"{row.tool}: it is not offered: {row.reason}")
    for reason in away.values():
        console.warn(reason)


async def doctor_rows(settings: Settings) -> list[tuple[str, Literal["ok", "missing"], str, str]]:
    """Return what `doctor` says of each configured server: name, verdict, found, to mend it."""
    if settings.mcp_file is None:
        return []
    try:
        file, entries = configured(settings)
        pinned = pins.load(file)
    except declared.McpConfigError as error:
        return [("MCP servers", "missing", str(error), "mend that file")]
    found, away = await looked_at(file, entries, list(entries.servers))
    return [_doctor_row(name, entries, pinned, found, away) for name in entries.servers]


def _doctor_row(
    server: str,
    entries: Declared,
    pinned: Pins,
    found: dict[str, tuple[Pin, ...]],
    away: dict[str, str],
) -> tuple[str, Literal["ok", "missing"], str, str]:
    title = f"MCP server {server}"
    if server in away:
        return title, "missing", away[server], "its tools are not available until it is mended"
    rows = _rows(server, entries, pinned, found)
    lacking = sorted({name for row in rows for name in row.agents} - agents().keys())
    if lacking:
        return title, "missing", f"it names the agent {lacking[0]!r}, which is not there", "mend it"
    wrong = [f"{row.tool} is {row.standing}" for row in rows if row.standing != "pinned"]
    if wrong:
        return title, "missing", ", ".join(wrong), PIN
    return title, "ok", f"{len(rows)} tools, as pinned", ""
