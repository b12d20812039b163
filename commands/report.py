"""`report`: a run as one self-contained HTML page."""

from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

import typer

from commands import console, options
from commands.errors import CommandError, Exit
from commands.session import Session, session

Html = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Where to write the page; default: RUN.html."),
]
Below = Annotated[
    bool,
    typer.Option(
        "--below", help="Also a page for each run below it, beside it and linked.", metavar=""
    ),
]
_MOST: Final = 200
"""Pages of runs below that are written; a batch may have ten thousand."""


async def report(
    run_id: options.RunId,
    html: Html = None,
    *,
    below: Below = False,
    json: options.Json = False,
) -> Exit:
    """Write a run's page: what came of it, its time, steps, spend and decisions.

    It loads nothing from anywhere, so it can be sent and kept.
    """
    path = html or Path(f"{_named(run_id)}.html")
    async with session() as opened:
        written = [path]
        if below:
            written += await _with_those_below(opened, run_id, path)
        else:
            await write(opened, run_id, path)
    size = path.stat().st_size
    if json:
        pages = [str(each.absolute()) for each in written]
        console.emit(
            {"run_id": run_id, "html": str(path.absolute()), "bytes": size, "pages": pages}
        )
    else:
        more = f", and {len(written) - 1} of runs below" if len(written) > 1 else ""
        console.out().print(f"{path} ({size:,} bytes){more}", soft_wrap=True)
    return Exit.OK


async def write(opened: Session, run_id: str, path: Path) -> None:
    """Write the page to `path`.

    Raises:
        CommandError: There is no such run, or the file cannot be written.
    """
    from commands import pages  # noqa: PLC0415 - templates that no other command needs

    kept_as(path, await pages.page(opened, run_id))


def kept_as(path: Path, html: str) -> None:
    """Write a page.

    Raises:
        CommandError: The file cannot be written.
    """
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"--html {str(path)!r}: {error.strerror}; name a file in a folder that exists"
        ) from None


async def _with_those_below(opened: Session, run_id: str, path: Path) -> list[Path]:
    """Write the page, and beside it one for each run below; return what stands beside it."""
    from commands import pages  # noqa: PLC0415 - templates that no other command needs
    from commands.pages import beneath  # noqa: PLC0415

    runs = [run.run_id for run in (await beneath.read(opened, run_id)).runs][:_MOST]
    names = {each: f"{path.stem}.{_named(each)}.html" for each in runs}

    def link(below: str) -> str:
        return quote(names[below]) if below in names else opened.page(below)

    kept_as(path, await pages.page(opened, run_id, link))
    for each, name in names.items():
        kept_as(path.with_name(name), await pages.page(opened, each, link))
    return [path.with_name(name) for name in names.values()]


def _named(run_id: str) -> str:
    """Return a run's id as the name of a file; nothing in it leads elsewhere."""
    return quote(run_id, safe="").replace("%2F", "-").replace("%", "_")[:120].lstrip(".") or "run"
