"""`migrate`: bring the database and the namespace to what this version of the code needs.

For a deploy in which processes may not do so themselves (HOLDFAST_MIGRATE=false): run it once, from
the new version, before the first new worker starts. Tables are only ever added to, so the workers
of the version before go on beside it.
"""

from typing import Annotated

import typer

from commands import console, options
from commands.errors import Exit
from runtime.database import Database
from runtime.search_attributes import ensure_search_attributes
from runtime.settings import Settings
from runtime.tables import REVISION
from runtime.temporal import connect

Check = Annotated[
    bool, typer.Option("--check", help="Change nothing; exit code 1 where something is to be done.")
]


async def migrate(*, check: Check = False, json: options.Json = False) -> Exit:
    """Bring the database's tables up to this version, and register the search attributes."""
    settings = Settings.load()
    if settings.database_url is None:
        settings.prepare_home()
    database = Database(settings.database)
    try:
        before = await database.revision()
        await database.migrate(allowed=not check)
        now = await database.revision()
        await ensure_search_attributes(await connect(settings, database))
    finally:
        await database.close()
    if json:
        console.emit({"database": repr(database), "before": before, "now": now, "code": REVISION})
    else:
        _tell(before, now)
    return Exit.OK


def _tell(before: str, now: str) -> None:
    if before == now:
        ahead = f", ahead of this code's {REVISION}, which it allows" if now != REVISION else ""
        console.out().print(f"the tables have version {now}{ahead}: nothing was to be done")
    else:
        console.out().print(f"the tables have version {now} now (before: {before or 'none'})")
    console.note("the search attributes are registered")
