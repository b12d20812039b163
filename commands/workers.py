"""`workers`: who can be given a task, and what each takes and gives."""

from typing import Annotated

import typer

from commands import console, options
from commands.errors import Exit, Misuse
from commands.workers_page import page

Name = Annotated[str, typer.Argument(metavar="[WORKER]", help="One of them; default: all.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print docs/workers.md.", metavar="")]


async def workers(name: Name = "", markdown: Markdown = False, json: options.Json = False) -> Exit:
    """List the workers that a goal can use, with the schemas of what they take and give."""
    # Here and not above: the agents and their tools, which other commands would load for nothing.
    from agents.workers import cards  # noqa: PLC0415

    found = cards()
    if name:
        if name not in found:
            raise Misuse(f"there is no worker {name!r}; there are {', '.join(sorted(found))}")
        found = {name: found[name]}
    if json:
        console.emit([console.plain(card) for card in found.values()])
    elif markdown or name:
        console.out().print(console.safe(page(found)), soft_wrap=True, end="")
    else:
        table = console.table("worker", "takes", "reads", "what it does")
        for card in found.values():
            takes = ", ".join(sorted(card.fields))
            table.add_row(
                *map(console.safe, (card.name, takes, ", ".join(card.files), card.description))
            )
        console.out().print(table)
    return Exit.OK
