"""`cache`: the models' replies that are kept to be used again."""

from typing import Annotated

import typer

from commands import console, options
from commands.console import safe
from commands.errors import Exit, Misuse
from commands.groups import group
from runtime.answers import Answers
from runtime.database import opened
from runtime.settings import Settings

Of = Annotated[str, typer.Option("--tenant", help="Of this tenant; default: of all.")]
Agent = Annotated[str, typer.Option("--agent", help="Of this agent; default: of all.")]
All = Annotated[bool, typer.Option("--all", "-a", help="All that is kept.", metavar="")]


async def list_kept(tenant: Of = "", agent: Agent = "", json: options.Json = False) -> Exit:
    """List how many replies are kept, and how often they were used."""
    async with opened(Settings.load()) as database:
        found = await Answers(database).held(tenant, agent)
    if json:
        console.emit([vars(each) for each in found])
        return Exit.OK
    if not found:
        console.note("nothing is kept; an agent asks for it with Agent(cache=timedelta(hours=1))")
        return Exit.OK
    right = ("kept", "used again")
    table = console.table("tenant", "agent", *right, "oldest", right=right)
    for each in found:
        table.add_row(
            safe(each.tenant),
            safe(each.agent),
            f"{each.answers:,}",
            f"{each.hits:,}",
            f"{each.oldest:%Y-%m-%d %H:%M} UTC",
        )
    console.out().print(table)
    return Exit.OK


async def clear(
    tenant: Of = "", agent: Agent = "", everything: All = False, json: options.Json = False
) -> Exit:
    """Forget kept replies: the next calls are bought again."""
    if not (tenant or agent or everything):
        raise Misuse("whose replies? give --tenant, --agent or both; or --all")
    async with opened(Settings.load()) as database:
        count = await Answers(database).clear(tenant, agent)
    if json:
        console.emit({"forgotten": count})
    else:
        console.out().print(f"{count:,} kept replies are forgotten")
    return Exit.OK


def cache() -> typer.Typer:
    """Return the group of commands."""
    return group(
        "Models' replies that are kept to be used again.", {"list": list_kept, "clear": clear}
    )
