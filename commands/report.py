"""`report`: a run as one self-contained HTML page."""

from pathlib import Path
from typing import Annotated

import typer

from commands import console, options
from commands.errors import CommandError, Exit
from commands.session import Session, session

Html = Annotated[Path, typer.Option("--html", metavar="FILE", help="Where to write the page.")]


async def report(run_id: options.RunId, html: Html, json: options.Json = False) -> Exit:
    """Write a run's page: what came of it, its steps, spend and decisions.

    It loads nothing from anywhere, so it can be sent and kept.
    """
    async with session() as opened:
        await write(opened, run_id, html)
    size = html.stat().st_size
    if json:
        console.emit({"run_id": run_id, "html": str(html.absolute()), "bytes": size})
    else:
        console.out().print(f"{html} ({size:,} bytes)", soft_wrap=True)
    return Exit.OK


async def write(opened: Session, run_id: str, path: Path) -> None:
    """Write the page to `path`.

    Raises:
        CommandError: There is no such run, or the file cannot be written.
    """
    from commands import pages  # noqa: PLC0415 - templates that no other command needs

    html = await pages.page(opened, run_id)
    try:
        path.write_text(html, encoding="utf-8")  # noqa: ASYNC240 - one file, once
    except OSError as error:
        raise CommandError(
            f"--html {str(path)!r}: {error.strerror}; name a file in a folder that exists"
        ) from None
