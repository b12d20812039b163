"""`halt`, `unhalt`, `halts`: stopping runs from outside, and letting them go on.

A halt is a row of the database that is read before every attempt, so it holds as soon as it is
written, with or without a server.
"""

from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

import typer
from temporalio.client import Client
from temporalio.service import RPCError

from agents.registry import agents
from commands import concerned, console, operating, options
from commands.console import safe
from commands.errors import Exit, Misuse, one_line
from commands.groups import group
from commands.session import whoami
from domain.halts import Halt, Scope
from runtime.database import Database, opened
from runtime.halts import Halts, Placed
from runtime.settings import Settings
from runtime.temporal import NoServer, connect

Run = Annotated[str, typer.Argument(metavar="RUN", help="A run, and all below it.")]
Agent = Annotated[str, typer.Argument(metavar="AGENT", help="All runs of an agent.")]
Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="All runs of a tenant.")]
Lifted = Annotated[
    bool, typer.Option("--all", "-a", help="Also those that were lifted.", metavar="")
]
# What runs do that nobody told: workflows/halting.py.
_LIFTED = "it is lifted, and runs that wait find out by themselves in time"
_Do = Callable[[Scope, str, str, str, bool], Coroutine[Any, Any, Exit]]


def halt() -> typer.Typer:
    """Return the commands that halt."""
    return group(
        "Stop runs before their next model or tool call; what has begun ends.", _scopes(_halt)
    )


def unhalt() -> typer.Typer:
    """Return the commands that lift a halt."""
    return group("Lift a halt: what waited goes on by itself.", _scopes(_unhalt))


async def halts(lifted: Lifted = False, json: options.Json = False) -> Exit:
    """List what is halted, newest first."""
    async with opened(Settings.load()) as database:
        found = await Halts(database).list(lifted=lifted)
    if json:
        console.emit([console.plain(each) for each in found])
    elif not found:
        console.note("nothing is halted" + ("" if lifted else "; --all shows what was"))
    else:
        console.out().print(_table(found))
    return Exit.OK


def _scopes(do: _Do) -> dict[str, Callable[..., Coroutine[Any, Any, Exit]]]:
    """Return a command for each of what can be halted."""

    async def run(
        run_id: Run, reason: options.Reason = "", by: options.By = "", json: options.Json = False
    ) -> Exit:
        return await do("run", run_id, by, reason, json)

    async def agent(
        name: Agent, reason: options.Reason = "", by: options.By = "", json: options.Json = False
    ) -> Exit:
        return await do("agent", name, by, reason, json)

    async def tenant(
        name: Tenant, reason: options.Reason = "", by: options.By = "", json: options.Json = False
    ) -> Exit:
        return await do("tenant", name, by, reason, json)

    async def everything(
        reason: options.Reason = "", by: options.By = "", json: options.Json = False
    ) -> Exit:
        return await do("all", "", by, reason, json)

    run.__doc__ = "One run, and all below it."
    agent.__doc__ = "All runs of one agent, and those that start."
    tenant.__doc__ = "All runs of one tenant, and those that start."
    everything.__doc__ = "All runs of everybody, and those that start."
    return {"run": run, "agent": agent, "tenant": tenant, "all": everything}


# --- halting


async def _halt(scope: Scope, name: str, by: str, reason: str, as_json: bool) -> Exit:
    settings = Settings.load()
    _named(scope, name)
    async with opened(settings) as database:
        placed = await Halts(database).place(scope, name, by=by or whoami(), reason=reason)
        if not placed.new:
            await operating.hold_to(database, placed.halt, by or whoami())
        runs: int | None = None
        async with _reached(settings, database, "it holds") as client:
            runs = await concerned.open_runs(client, placed.halt) if client else None
    if as_json:
        console.emit({"halt": console.plain(placed.halt), "new": placed.new, "open_runs": runs})
        return Exit.OK
    _told(placed, runs)
    return Exit.OK


def _named(scope: Scope, name: str) -> None:
    """Refuse a name that is none.

    Raises:
        Misuse: It is empty.
    """
    if scope != "all" and not name.strip():
        raise Misuse(f"{scope} {name!r}: expected a name; `halt all` halts everything")


def _told(placed: Placed, runs: int | None) -> None:
    halt = placed.halt
    if placed.new:
        console.out().print(f"[green]✓[/] {safe(halt.target)} is halted")
    else:
        console.out().print(f"[green]✓[/] it is halted already: {safe(halt.told)}")
    if runs:
        many = "1 run is" if runs == 1 else f"{runs:,} runs are"
        console.note(f"{many} open: none begins another model or tool call; what has begun ends")
    elif runs == 0:
        console.note("no run of it is open; one that starts waits at its first call")
        if halt.scope == "agent" and halt.name not in agents():
            console.warn(
                f"no agent is called {halt.name!r}; there are {', '.join(sorted(agents()))}"
            )
        if halt.scope == "run":
            console.warn(f"there is no open run {halt.name!r}: `python starter.py list` shows them")
    console.note(f"lift it: python starter.py unhalt {halt.arguments}")


# --- lifting


async def _unhalt(scope: Scope, name: str, by: str, reason: str, as_json: bool) -> Exit:
    settings = Settings.load()
    _named(scope, name)
    async with opened(settings) as database:
        store = Halts(database)
        lifted = await store.lift(scope, name, by=by or whoami(), reason=reason)
        told: list[str] | None = None
        async with _reached(settings, database, _LIFTED) as client:
            told = await concerned.tell(client, lifted) if client else None
        left = await store.list()
    if as_json:
        console.emit({"lifted": [console.plain(each) for each in lifted], "told": told})
        return Exit.OK
    console.out().print(f"[green]✓[/] {safe(lifted[0].target)} is halted no longer")
    if told:
        many = "1 run that waited was" if len(told) == 1 else f"{len(told):,} runs that waited were"
        console.note(f"{many} told to go on")
    if left:
        others = ", ".join(each.target for each in left[:10])
        console.note(f"still halted, and holding back whom they concern: {others}")
    return Exit.OK


@asynccontextmanager
async def _reached(
    settings: Settings, database: Database, done: str
) -> AsyncGenerator[Client | None]:
    """Yield a client; None, and a word about it, where no server answers.

    What matters is `done` by then: the switch must not depend on a server.
    """
    try:
        client: Client | None = await connect(settings, database)
    except NoServer as error:
        client = None
        console.warn(f"{done}, but no run could be asked or told: {one_line(str(error))}")
    try:
        yield client
    except RPCError as error:
        console.warn(f"{done}, but not every run could be asked or told: {error.message}")


def _table(found: Sequence[Halt]) -> Any:
    lifted = any(each.lifted_at for each in found)
    table = console.table(
        "halted", "since", "by", "why", *(["lifted", "by", "why"] if lifted else [])
    )
    for each in found:
        ended = f"{each.lifted_at:%Y-%m-%d %H:%M} UTC" if each.lifted_at else "[yellow]stands[/]"
        table.add_row(
            safe(each.target),
            f"{each.at:%Y-%m-%d %H:%M} UTC",
            safe(each.by),
            safe(each.reason),
            *([ended, safe(each.lifted_by), safe(each.lifted_why)] if lifted else []),
        )
    return table
