"""`batch`: the same fields out of every document of a folder."""

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from agents.extract import form as forms
from agents.extract.spec import AGENT
from agents.extract.summary import merged_schema
from agents.reading import folder
from commands import (
    batch_options,
    batch_progress,
    batch_results,
    console,
    options,
    reading,
    results,
)
from commands.errors import CommandError, Exit, Misuse
from commands.following import Waits, follow, report_wait
from commands.groups import StartFirst
from commands.guard import guarded
from commands.session import Session, session, whoami
from commands.starting import Start, announce, start, started_only
from domain.batch import BatchRequest, BatchResult
from runtime.batches import Batches
from runtime.database import opened
from runtime.settings import Settings

BATCH_WORKFLOW = "BatchWorkflow"
_TIMES = re.compile(r"^(.*)\.(\d+)$")


async def begin(
    directory: batch_options.Directory,
    *,
    schema: batch_options.Schema,
    merge: batch_options.Merge = "table",
    into: batch_options.Into = "",
    min_confidence: batch_options.MinConfidence = 0.7,
    parallel: batch_options.Parallel = 50,
    review_page: batch_options.ReviewPage = 10,
    patience: batch_options.Patience = 60,
    answer_within: batch_options.Within = 72,
    budget_usd: batch_options.Budget = None,
    out: batch_options.Out = "",
    dry_run: batch_options.DryRun = False,
    run_id: options.NewId = "",
    again: options.Again = False,
    detach: options.Detach = False,
    steps: options.Steps = None,
    tokens: options.Tokens = None,
    cost_usd: options.CostUsd = None,
    minutes: options.Minutes = None,
    tenant: options.Tenant = "default",
    by: options.By = "",
    json: options.Json = False,
) -> Exit:
    """Take the same fields out of every document of a folder (`batch DIR --schema FILE`).

    The limits (--steps, --tokens, --cost-usd, --minutes) hold for one document's run. Stops with
    exit code 3 where a person has to look at fields; exit code 1 where documents failed.
    """
    if into and merge != "synthesise":
        raise Misuse("--into needs --merge synthesise")
    given: dict[str, Any] = {
        "directory": _checked(directory),
        "form": _form(schema, "--schema"),
        "merge": merge,
        "into": _form(into, "--into") if into else None,
        "min_confidence": min_confidence,
        "parallel": parallel,
        "review_page": review_page,
        "patience_s": patience * 60,
        "answer_within_s": answer_within * 3600,
        "limits": options.limits(steps, tokens, _share(budget_usd, cost_usd), minutes),
        "cost_usd": options.usd(budget_usd),
        "tenant": tenant,
        "by": by or whoami(),
        "dry_run": dry_run,
    }
    request = BatchRequest(**{name: value for name, value in given.items() if value is not None})
    wanted = Start(BATCH_WORKFLOW, request, "batch", run_id, again, detach)
    batch_results.checked_out(out)
    async with session() as connected:
        return await _run(connected, wanted, out, as_json=json)


async def go_on(
    run_id: batch_options.Run,
    *,
    budget_usd: batch_options.Budget = None,
    parallel: Annotated[int | None, typer.Option("--parallel", min=1, max=100)] = None,
    patience: Annotated[float | None, typer.Option("--patience", min=0.01)] = None,
    out: batch_options.Out = "",
    dry_run: batch_options.DryRun = False,
    new_id: options.NewId = "",
    detach: options.Detach = False,
    by: options.By = "",
    json: options.Json = False,
) -> Exit:
    """Look again at the documents of a batch that failed or were left; buy nothing else.

    A batch of its own, RUN.2, takes over what RUN has finished.
    """
    batch_results.checked_out(out)
    async with session() as connected:
        earlier = await _request(Batches(connected.database), run_id)
        await _is_closed(connected, run_id)
        counts = await Batches(connected.database).counts(run_id)
        if not counts.listed + counts.failed + counts.unsure:
            console.note(f"every document of {run_id} has its row; nothing is to be done")
            return Exit.OK
        changed: dict[str, Any] = {
            "resumes": run_id,
            "dry_run": dry_run,
            "by": by or whoami(),
            "cost_usd": options.usd(budget_usd),
            "parallel": parallel,
            "patience_s": None if patience is None else patience * 60,
        }
        given = {name: value for name, value in changed.items() if value is not None}
        request = BatchRequest.model_validate(
            {**earlier.model_dump(exclude_unset=True, exclude={"state"}), **given}
        )
        wanted = Start(BATCH_WORKFLOW, request, "batch", new_id or _next(run_id), detach=detach)
        return await _run(connected, wanted, out, as_json=json)


async def show(
    run_id: batch_options.Run,
    *,
    table: Annotated[bool, typer.Option("--csv", help="A row a document.", metavar="")] = False,
    quotes: Annotated[
        bool, typer.Option("--quotes", help="JSON with confidence and quotes.", metavar="")
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="JSON Schema of the result.", metavar="")
    ] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Only these.", metavar="")] = False,
    json: options.Json = False,
) -> Exit:
    """Show a batch's rows, also while it is under way; without a server too."""
    async with opened(Settings.load()) as database:
        batches = Batches(database)
        request = await _request(batches, run_id)
        if schema:
            console.emit(merged_schema(request.form))
        elif table:
            await batch_results.write_csv(batches, run_id, request, sys.stdout)
        elif quotes:
            console.emit(await batch_results.evidence(batches, run_id))
        elif failed:
            await _failed(batches, run_id, as_json=json)
        elif json:
            console.emit(await batch_results.merged(batches, run_id, request))
        else:
            counts = await batches.counts(run_id)
            console.out().print(await batch_results.rows_table(batches, run_id, request))
            console.note(
                f"{counts.done:,} done, {counts.failed:,} failed, {counts.unsure:,} for a person, "
                f"{counts.listed:,} not looked at yet"
            )
    return Exit.OK


def batch() -> typer.Typer:
    """Return `batch`; without a command's name it starts one."""
    made = typer.Typer(
        cls=StartFirst,
        help="Take the same fields out of every document of a folder: "
        "`batch DIR --schema FILE`. `batch start --help` has the options.",
        no_args_is_help=True,
        subcommand_metavar="DIR --schema FILE | resume RUN | show RUN",
        rich_markup_mode="rich",
    )
    for name, command in {"start": begin, "resume": go_on, "show": show}.items():
        made.command(name)(guarded(command))
    return made


async def _run(connected: Session, wanted: Start, out: str, *, as_json: bool) -> Exit:
    started = await start(connected, wanted)
    announce(connected, started)
    if wanted.detach:
        return started_only(started, as_json=as_json)
    run_id, batches = started.run_id, Batches(connected.database)
    async with batch_progress.shown(connected, run_id, silent=as_json):
        came_to = await follow(connected, run_id, silent=True)
    if isinstance(came_to, Waits):
        return await _waits(connected, came_to, as_json=as_json)
    code = results.run_result(run_id, came_to, as_json=as_json, kind="batch")
    if out:
        await batch_results.write(batches, run_id, await _request(batches, run_id), out)
    return code


async def _waits(connected: Session, waits: Waits, *, as_json: bool) -> Exit:
    if as_json:
        console.emit(results.waits_json(waits))
    else:
        handle = connected.client.get_workflow_handle(waits.root)
        so_far = await handle.query("so_far", result_type=BatchResult)
        results.show(so_far.model_copy(update={"closed_at": None}), "batch", waiting=True)
    return report_wait(connected, waits)


async def _failed(batches: Batches, run_id: str, *, as_json: bool) -> None:
    failed = [
        {"document": document.name, "reason": document.reason}
        async for document in batch_results.documents(batches, run_id)
        if document.state == "failed"
    ]
    if as_json:
        console.emit(failed)
        return
    for each in failed:
        console.out().print(console.safe(f"{each['document']}: {each['reason']}"), soft_wrap=True)


async def _request(batches: Batches, run_id: str) -> BatchRequest:
    found = await batches.request(run_id)
    if found is None:
        raise CommandError(
            f"there is no batch {run_id!r}; `python starter.py list` shows the runs there are"
        )
    return found


async def _is_closed(connected: Session, run_id: str) -> None:
    """Refuse to go on with a batch that is still going on by itself."""
    if not reading.is_closed(await reading.described(connected, run_id)):
        raise CommandError(
            f"batch {run_id!r} is under way; watch it with `python starter.py watch {run_id}`, or "
            "end it with `cancel` first: what it has finished is kept"
        )


def _next(run_id: str) -> str:
    """Return the id of the batch that goes on: `x`, `x.2`, `x.3`."""
    times = _TIMES.match(run_id)
    return f"{times[1]}.{int(times[2]) + 1}" if times else f"{run_id}.2"


def _share(budget_usd: float | None, cost_usd: float | None) -> float | None:
    """Return what one document may cost: what is reserved for it must fit into the budget."""
    if budget_usd is None or cost_usd is not None or budget_usd >= AGENT.limits.cost_usd:
        return cost_usd
    return budget_usd


def _checked(directory: str) -> str:
    try:
        folder.listing(directory)
    except folder.FolderError as error:
        raise Misuse(f"{error} (nothing was started)") from None
    return str(Path(directory).expanduser().resolve())


def _form(path: str, option: str) -> dict[str, Any]:
    try:
        return forms.load(Path(path))
    except forms.FormError as error:
        raise Misuse(f"{option}: {error} (nothing was started)") from None
