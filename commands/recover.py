"""`recover`: what an older backup of the database does not know of newer runs.

Temporal's histories outlive the database, and the other way round. Where the database was restored
from a copy that is older than the histories, the summaries of runs that closed since then are
written again from the histories, and runs under way are named that refer to what is not there.
"""

import json as jsonlib
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Annotated, Final, cast

import typer
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecution, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.converter import DataConverter

from commands import console, options, reading
from commands.errors import Exit
from commands.session import Session, session
from domain.contract import canonical
from runtime.artifacts import ArtifactNotFound
from runtime.runs import Runs
from runtime.storage import data_converter

Query = Annotated[
    str,
    typer.Option("--query", help="Only runs that fit it too: StartTime > '2026-01-31T06:00:00Z'"),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing.", metavar="")]

# What a replay does not read again: an activity's input was for the worker that ran it.
_PASSED: Final = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
_PAGE: Final = 200
_HINT: Final = (
    "they go on by themselves as soon as the database has the artifacts, for example from a newer "
    "copy; else end them with `temporal workflow terminate` and start their tasks again"
)


@dataclass(frozen=True)
class Lacking:
    """A run under way whose history refers to artifacts that are not in the database."""

    run_id: str
    artifacts: tuple[str, ...]


async def recover(
    *, query: Query = "", dry_run: DryRun = False, json: options.Json = False
) -> Exit:
    """Bring a restored database up to the histories, as far as they know.

    Exit code 1 where a run under way refers to what is not there.
    """
    async with session() as opened:
        again = [run_id async for run_id in summaries(opened, query, dry_run=dry_run)]
        lacks = [run async for run in lacking(opened, query)]
    if json:
        runs = [{"run_id": run.run_id, "artifacts": run.artifacts} for run in lacks]
        console.emit({"summaries": again, "lacking": runs, "dry_run": dry_run})
    else:
        done = "lack a summary" if dry_run else "have their summary again"
        console.out().print(f"{len(again):,} closed runs {done}")
        for run in lacks:
            console.out().print(f"{run.run_id} refers to {', '.join(run.artifacts)}: not there")
    if lacks:
        console.note(_HINT)
        return Exit.FAILED
    return Exit.OK


async def summaries(
    opened: Session, query: str = "", *, dry_run: bool = False
) -> AsyncGenerator[str]:
    """Write down what closed runs came to that the database does not know; yield their ids."""
    kept = Runs(opened.database)
    async for page in _pages(opened, _also("ExecutionStatus = 'Completed'", query)):
        known = {
            run.run_id for run in await kept.several([found.id for found in page]) if run.result
        }
        for found in page:
            if found.id not in known and (dry_run or await _written(opened, kept, found)):
                yield found.id


def _also(fate: str, query: str) -> str:
    return " AND ".join([reading.OURS, fate, *([f"({query})"] if query else [])])


async def _pages(opened: Session, query: str) -> AsyncGenerator[list[WorkflowExecution]]:
    page: list[WorkflowExecution] = []
    async for found in opened.client.list_workflows(query):
        page.append(found)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page


async def _written(opened: Session, kept: Runs, found: WorkflowExecution) -> bool:
    """Write one down, as the run itself did at its close; False where it left no result."""
    handle = opened.client.get_workflow_handle(found.id, run_id=found.run_id)
    try:
        result = await handle.result(follow_runs=False)
    except WorkflowFailureError:
        return False
    if not isinstance(result, dict) or found.status is not WorkflowExecutionStatus.COMPLETED:
        return False
    told, run = cast("dict[str, object]", result), reading.listed(found)
    await kept.closed(
        run_id=found.id,
        agent=run.agent or str(told.get("agent", "")),
        tenant=run.tenant or "default",
        outcome=str(told.get("outcome", "completed")),
        result=canonical({"workflow": run.workflow, **told}).decode(),
        started_at=run.started_at,
        closed_at=run.closed_at,
    )
    return True


async def lacking(opened: Session, query: str = "") -> AsyncGenerator[Lacking]:
    """Yield the runs under way that could not be replayed with this database."""
    converter = data_converter(opened.database)
    wanted = _also("ExecutionStatus = 'Running'", query)
    async for found in opened.client.list_workflows(wanted):
        handle = opened.client.get_workflow_handle(found.id, run_id=found.run_id)
        missing: list[str] = []
        async for event in handle.fetch_history_events():
            if event.event_type != _PASSED:
                missing += [
                    name for each in _outside(event) if (name := await _absent(converter, each))
                ]
        if named := tuple(dict.fromkeys(filter(None, missing))):
            yield Lacking(found.id, named)


def _outside(message: Message) -> Iterator[Payload]:
    """Return the payloads in a message that lie outside of the history."""
    if isinstance(message, Payload):
        if message.external_payloads:
            yield message
        return
    for field, value in message.ListFields():
        kind = field.message_type
        if kind is None:
            continue
        if kind.GetOptions().map_entry:
            held = [value[key] for key in value]
        else:
            held = list(value) if field.is_repeated else [value]
        for each in held:
            if isinstance(each, Message):
                yield from _outside(each)


async def _absent(converter: DataConverter, payload: Payload) -> str:
    """Return the id of an artifact that is not there; empty where it is."""
    try:
        await converter.decode([payload])
    except ArtifactNotFound:
        reference = jsonlib.loads(payload.data)
        return str(reference.get("claimData", {}).get("id", "")) or "an artifact"
    return ""
