"""`replay`: would the runs that are under way go on with this code? Asked before a deploy."""

from pathlib import Path
from typing import Annotated

import typer

from commands import console, options
from commands.errors import Exit, Misuse
from commands.replaying import gate, shown
from commands.replaying.fetching import Wanted, from_file, listing
from commands.replaying.offered import Offer
from commands.replaying.replayed import Replaying
from commands.replaying.verdict import Fate, Verdict
from commands.session import session
from runtime.database import opened
from runtime.settings import Settings
from runtime.storage import data_converter

_HINT = (
    "runs that would hang or fail: guard the change with workflow.patched(...), so that they take "
    "the old path; docs/deploys.md says how"
)

Files = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[FILE]...",
        help="Recorded histories, as `temporal workflow show --output json` prints them.",
    ),
]
FromServer = Annotated[
    bool, typer.Option("--from-server", help="The runs that are under way now.", metavar="")
]
Query = Annotated[
    str, typer.Option("--query", help="Only those that fit it too: AgentName = 'refunds'")
]
Types = Annotated[
    list[str] | None, typer.Option("--workflow", help="Only this type: agent, batch; repeatable.")
]
Limit = Annotated[int, typer.Option("--limit", min=0, help="At most so many; 0 for all.")]
Closed = Annotated[
    int, typer.Option("--closed", min=0, help="Also so many that have closed, the last ones.")
]
Jobs = Annotated[
    int, typer.Option("--jobs", min=0, help="Processes; 0: as many as are worth it, at most 4.")
]


async def replay(
    files: Files = None,
    *,
    from_server: FromServer = False,
    query: Query = "",
    workflow: Types = None,
    limit: Limit = 0,
    closed: Closed = 0,
    jobs: Jobs = 0,
    json: options.Json = False,
) -> Exit:
    """Replay runs with the code of this checkout, and list those that would not go on with it.

    Nothing is changed and nothing runs: recorded results are played to the workflows' code.
    Exit code 1 where a run would hang or fail, 3 where one would stop and wait for a person.
    """
    if bool(files) == from_server:
        raise Misuse("give --from-server, or the files of recorded histories")
    if files and (query or workflow or closed or limit):
        raise Misuse("--query, --workflow, --limit and --closed choose runs of the server")
    if files:
        found, left_out = await _of_files(files), 0
    else:
        wanted = Wanted(query, tuple(workflow or ()), limit, closed)
        found, left_out = await _of_server(wanted, jobs)
    if json:
        console.emit(shown.as_json(found, left_out))
    else:
        shown.show(found)
    if left_out:
        console.warn(f"{left_out:,} runs under way were not looked at: --limit {limit}")
    return _exit(found)


async def _of_server(wanted: Wanted, jobs: int) -> tuple[list[Verdict], int]:
    found: list[Verdict] = []
    async with session() as opened:
        listed = await listing(opened, wanted)
        with console.err().status("") as said:
            some = gate.verdicts(opened, listed.runs, jobs or gate.processes(len(listed.runs)))
            async for few in some:
                found += few
                said.update(f"{len(found):,} of {len(listed.runs):,} runs replayed")
    return found, listed.left_out


async def _of_files(files: list[Path]) -> list[Verdict]:
    settings = Settings.load()
    async with opened(settings) as database:
        replaying = Replaying(data_converter(database), Offer.of(settings))
        return [await replaying.verdict(*from_file(path)) for path in files]


def _exit(found: list[Verdict]) -> Exit:
    fates = {verdict.fate for verdict in found}
    if fates & {Fate.WAITS, Fate.FAILS}:
        console.note(_HINT)
        return Exit.FAILED
    return Exit.WAITS if Fate.STOPS in fates else Exit.OK
