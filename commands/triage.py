"""`triage`: support tickets, each to a reply or to a person."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from agents.triage import intake
from commands import console, options, sampling, triage_results
from commands.errors import Exit, Misuse
from commands.groups import StartFirst
from commands.guard import guarded
from commands.launch import launch
from commands.run import pairs
from commands.sampling import Daily
from commands.session import session, whoami
from commands.standing import new_grant
from commands.starting import Start
from domain.calibration import table
from domain.contract import digest
from domain.standing import Terms
from domain.ticket import AGENT, SEND
from domain.triage import TriageRequest
from runtime.database import opened
from runtime.reviews import Reviews
from runtime.settings import Settings
from runtime.standing import StandingApprovals
from runtime.tickets import Tickets

TRIAGE_WORKFLOW = "TriageWorkflow"

File = Annotated[str, typer.Argument(metavar="TICKETS.csv", help="Tickets, a row each.")]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="OURS=THEIRS", help="What id, account, subject or text is called there."
    ),
]
Categories = Annotated[
    str, typer.Option("--taxonomy", metavar="FILE", help="Categories, as YAML or JSON.")
]
Accounts = Annotated[
    str, typer.Option("--accounts", metavar="SOURCE", help="CSV file, or a database URL#TABLE.")
]
Confidence = Annotated[
    float,
    typer.Option("--min-confidence", min=0, max=1, help="Below it, calibrated: to a person."),
]
Similarity = Annotated[
    float, typer.Option("--min-similarity", min=0, max=1, help="Below it, to a person: novel.")
]
Parallel = Annotated[int, typer.Option("--parallel", min=1, max=200, help="Tickets at once.")]
Uses = Annotated[
    int,
    typer.Option("--standing", metavar="USES", min=0, help="Say yes beforehand to so many."),
]
AskEach = Annotated[
    bool, typer.Option("--ask-each", help="Do not ask for a standing approval.", metavar="")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Send nothing, ask nobody; count.", metavar="")
]
Size = Annotated[int, typer.Option("--sample", min=1, max=1000, help="Decisions a day.")]
At = Annotated[
    str, typer.Option("--at", metavar="HH:MM", help="When the day before is drawn, UTC.")
]
Day = Annotated[str, typer.Option("--day", metavar="DATE", help="Default: today, UTC.")]
Run = Annotated[str, typer.Argument(metavar="[RUN]", help="A triage's id; default: the last one.")]


async def begin(
    tickets: File,
    *,
    columns: Map = None,
    taxonomy: Categories = "",
    accounts: Accounts = "",
    min_confidence: Confidence = 0.8,
    min_similarity: Similarity = 0.2,
    parallel: Parallel = 16,
    standing: Uses = 0,
    ask_each: AskEach = False,
    dry_run: DryRun = False,
    run_id: options.NewId = "",
    again: options.Again = False,
    detach: options.Detach = False,
    tenant: options.Tenant = "default",
    by: options.By = "",
    json: options.Json = False,
) -> Exit:
    """Classify tickets, draft replies, send what is clear, ask about the rest.

    Stops with exit code 3 where a person is asked: for a standing approval at the start, then for
    each ticket that is unsure or unlike anything known. Nothing waits for those.
    """
    request = TriageRequest(
        tickets=_whole(tickets),
        columns=pairs(columns or [], "--map"),
        taxonomy=_whole(taxonomy),
        accounts=_whole(accounts),
        min_confidence=min_confidence,
        min_similarity=min_similarity,
        parallel=parallel,
        offer=not ask_each,
        tenant=tenant,
        by=by or whoami(),
        dry_run=dry_run,
    )
    _check(request)
    wanted = Start(TRIAGE_WORKFLOW, request, "triage", run_id, again, detach)
    if not dry_run:
        await _prepare(request, run_id, standing)
    return await launch("triage", wanted, as_json=json)


async def _prepare(request: TriageRequest, run_id: str, uses: int) -> None:
    """See that decisions are drawn for review, and say yes beforehand where that was asked."""
    async with session() as connected:
        if await sampling.ensure(connected, Daily(request.tenant, 20)):
            console.note("20 decisions a day are drawn for review (`triage schedule` changes it)")
        if uses:
            grant = new_grant(
                (AGENT, SEND),
                Terms(uses=uses),
                tenant=request.tenant,
                by=request.by,
                # The same triage started twice is one, and so is its grant.
                id=digest("standing", request.tenant, run_id)[:12] if run_id else "",
            )
            given = await StandingApprovals(connected.database).grant(grant)
            console.note(f"standing approval {given.id} for {uses:,} replies, 24 hours")


def _check(request: TriageRequest) -> None:
    """Refuse files that cannot be worked with, before anything is started.

    Raises:
        Misuse: Says what is wrong with which.
    """
    try:
        found = intake.tickets(request.tickets, request.columns)
        intake.categories(request.taxonomy)
        if request.accounts:
            intake.accounts(request.accounts)
    except intake.IntakeError as error:
        raise Misuse(f"{error} (nothing was started)") from None
    for why in found.left_out[:10]:
        console.warn(f"left out: {why}")
    if len(found.left_out) > 10:  # noqa: PLR2004 - as many as are shown
        console.warn(f"left out: {len(found.left_out) - 10} more rows; the result names them")
    if not found.tickets:
        raise Misuse(f"{request.tickets}: no row is a ticket (nothing was started)")


def _whole(path: str) -> str:
    """Return a path as the worker needs it, which may run elsewhere."""
    return str(Path(path).expanduser().resolve()) if path and "://" not in path else path


async def schedule(
    size: Size = 20,
    at: At = sampling.AT,
    tenant: options.Tenant = "default",
    json: options.Json = False,
) -> Exit:
    """Draw so many decisions of each day for review, by a schedule of the server."""
    daily = Daily(tenant, size, at)
    _ = daily.cron  # a wrong time is said before anything is connected
    async with session() as connected:
        await sampling.change(connected, daily)
    if json:
        console.emit({"schedule": daily.id, "size": size, "at": at})
    else:
        console.out().print(f"{daily.id}: {size} decisions of the day before, at {at} UTC")
    return Exit.OK


async def sample(
    day: Day = "",
    size: Size = 20,
    tenant: options.Tenant = "default",
    json: options.Json = False,
) -> Exit:
    """Draw decisions of a day for review now; a day never has more than its size."""
    chosen = day or f"{datetime.now(UTC):%Y-%m-%d}"
    request = sampling.SamplingRequest(tenant=tenant, day=chosen, size=size, by=whoami())
    wanted = Start(sampling.SAMPLING_WORKFLOW, request, f"sampling-{chosen}")
    return await launch("sampling", wanted, as_json=json)


async def calibration(tenant: options.Tenant = "default", json: options.Json = False) -> Exit:
    """Show how well claimed confidences fit what reviews found."""
    async with opened(Settings.load()) as database:
        reviews = Reviews(database)
        tables = [
            table(source, await reviews.bins(tenant, source)) for source in ("logprobs", "stated")
        ]
        rates = (await reviews.rates()).get(tenant)
    if json:
        console.emit([console.plain(each) for each in tables])
        return Exit.OK
    triage_results.calibrations(tables, rates)
    return Exit.OK


async def tickets(
    run_id: Run = "", tenant: options.Tenant = "default", json: options.Json = False
) -> Exit:
    """List a triage's tickets: category, confidence, where each went, what became of it."""
    async with opened(Settings.load()) as database:
        rows = await triage_results.rows_of(Tickets(database), run_id, tenant)
    if json:
        console.emit(rows)
    else:
        console.out().print(triage_results.tickets_table(rows))
    return Exit.OK


def triage() -> typer.Typer:
    """Return `triage`; without a command's name it starts one."""
    made = typer.Typer(
        cls=StartFirst,
        help="Sort support tickets, answer what is clear, ask about the rest: "
        "`triage TICKETS.csv`. `triage start --help` has the options.",
        no_args_is_help=True,
        subcommand_metavar="TICKETS.csv | tickets | calibration | schedule | sample",
        rich_markup_mode="rich",
    )
    commands: dict[str, Any] = {
        "start": begin,
        "tickets": tickets,
        "calibration": calibration,
        "schedule": schedule,
        "sample": sample,
    }
    for name, command in commands.items():
        made.command(name)(guarded(command))
    return made
