"""`compare`: two runs, or a run and its fork, side by side."""

from pathlib import Path
from typing import Annotated

import typer

from commands import console, options
from commands.errors import Exit
from commands.report import kept_as
from commands.session import session

First = Annotated[str, typer.Argument(metavar="A", help="A run, for instance the original.")]
Second = Annotated[str, typer.Argument(metavar="B", help="Another one, for instance its fork.")]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Also write them as one page.")
]


async def compare_runs(
    a: First, b: Second, *, html: Html = None, json: options.Json = False
) -> Exit:
    """Show two runs side by side: what they came to, where they part, what each took.

    Turns are aligned from what both have in common, which of a fork is what was before it.
    """
    # Here and not above: other commands need none of it, and templates take a while to load.
    from commands import compared, comparison, sides  # noqa: PLC0415
    from commands.pages.compare import compare_page  # noqa: PLC0415

    async with session() as opened:
        found = comparison.compare(await sides.read(opened, a), await sides.read(opened, b))
    if html is not None:
        kept_as(html, compare_page(found))
    if json:
        written = {"html": str(html.absolute())} if html else {}
        console.emit(compared.as_json(found) | written)
        return Exit.OK
    console.out().print(compared.drawn(found))
    if html is not None:
        console.out().print(f"\n{html} ({html.stat().st_size:,} bytes)", soft_wrap=True)
    return Exit.OK
