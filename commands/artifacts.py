"""`artifacts`: what is too large for a history, and when it goes."""

from datetime import timedelta
from typing import Annotated

import typer

from commands import console, options
from commands.errors import Exit, Misuse
from commands.groups import group
from commands.session import session
from runtime.sweeping import sweep_artifacts

Days = Annotated[
    float | None,
    typer.Option("--days", min=0.001, help="In place of HOLDFAST_ARTIFACT_RETENTION."),
]


async def sweep(days: Days = None, json: options.Json = False) -> Exit:
    """Delete artifacts that nobody used for the retention, as workers do every hour.

    One that a run under way refers to stays, whatever its age; a part of a history stays as long
    as the server has that history.
    """
    async with session() as connected:
        retention = connected.settings.artifact_retention
        retention = timedelta(days=days) if days is not None else retention
        if retention is None:
            raise Misuse("no retention: set HOLDFAST_ARTIFACT_RETENTION (seconds) or give --days")
        swept = await sweep_artifacts(connected.database, connected.client, retention)
    if json:
        console.emit({"swept": swept})
    else:
        console.out().print(f"swept away {swept:,}")
    return Exit.OK


def artifacts() -> typer.Typer:
    """Return the commands, put together."""
    return group("Large contents that histories refer to: sweep the old ones.", {"sweep": sweep})
