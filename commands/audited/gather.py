"""All that the audit log tells of a stretch of time, from the server and from the database."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowExecution
from temporalio.service import RPCError, RPCStatusCode

from commands import reading
from commands.audited import outcomes
from commands.audited.database import beside_runs
from commands.audited.entry import LEFT_OUT, Entry, Span, left_out
from commands.audited.histories import Past
from commands.session import Session
from domain.approval import Question
from runtime.records import Records, Row

_AT_ONCE: Final = 8
"""Runs whose histories are fetched at the same time; more only wait for the server."""
_GONE: Final = (
    "the server no longer has its history: who sent what, reads and attempts went with it"
)


@dataclass
class Gathered:
    """What there is to tell.

    Attributes:
        runs: How many runs it is about.
    """

    entries: list[Entry] = field(default_factory=list[Entry])
    runs: int = 0


async def gather(opened: Session, span: Span) -> Gathered:
    """Return what happened in `span`, oldest first."""
    found = Gathered(entries=await beside_runs(opened.database, span))
    executions = await _executions(opened, span)
    turn = asyncio.Semaphore(_AT_ONCE)

    async def told(run_id: str, of: Sequence[WorkflowExecution]) -> list[Entry]:
        async with turn:
            return await _run(opened, run_id, of)

    for entries in await asyncio.gather(*(told(*each) for each in executions.items())):
        found.entries += entries
    found.runs = len(executions)
    async for row in _kept(opened, span):
        if row["run_id"] not in executions:
            found.entries += _of_the_database(row)
            found.runs += 1
    found.entries = sorted(
        # What was left out is told whenever it was.
        (each for each in found.entries if span.has(each.at) or each.kind == LEFT_OUT),
        key=lambda each: (each.at, each.run_id, each.kind),
    )
    return found


async def _executions(opened: Session, span: Span) -> dict[str, list[WorkflowExecution]]:
    """Return the executions of each run that was there in `span`, the oldest first."""
    parts = [reading.OURS]
    if span.until is not None:
        parts.append(f"StartTime < '{_spelled(span.until)}'")
    if span.since is not None:
        since = _spelled(span.since)
        parts.append(f"(ExecutionStatus = 'Running' OR CloseTime >= '{since}')")
    if span.tenant:
        parts.append(f"Tenant = '{reading.quoted(span.tenant)}'")
    if span.agent:
        parts.append(f"AgentName = '{reading.quoted(span.agent)}'")
    found: dict[str, list[WorkflowExecution]] = {}
    async for each in opened.client.list_workflows(" AND ".join(parts), page_size=1_000):
        found.setdefault(each.id, []).append(each)
    return {run_id: sorted(of, key=lambda each: each.start_time) for run_id, of in found.items()}


async def _run(
    opened: Session, run_id: str, executions: Sequence[WorkflowExecution]
) -> list[Entry]:
    past, gaps = Past(run_id), list[Entry]()
    for each in executions:
        try:
            await past.add(opened.client.data_converter, await _events(opened, each))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            gaps.append(left_out(f"execution {each.run_id}", _GONE, run_id, each.start_time))
        except (RuntimeError, ValueError, TypeError) as error:
            # What cannot be read is named; the rest of the log must not depend on it.
            why = f"its history cannot be read here: {type(error).__name__}: {error}"
            gaps.append(left_out(f"execution {each.run_id}", why, run_id, each.start_time))
    result = past.result or await reading.kept(opened, run_id) or {}
    made = outcomes.parsed(result)
    if not result and executions[-1].close_time is None:
        said = await reading.status(opened, run_id)
        if said is None:
            why = "it is under way and no worker answers: its decisions so far are not known"
            gaps.append(left_out("decisions", why, run_id))
        else:
            made = list(said.decisions)
            if said.question:
                past.entries.append(_open(run_id, Question.model_validate(said.question)))
    told = [
        *past.entries,
        *outcomes.decisions(run_id, made, past.said, past.asked),
        *outcomes.refusals(run_id, result, past.turns),
    ]
    return [*told, *gaps]


async def _events(opened: Session, of: WorkflowExecution) -> list[HistoryEvent]:
    handle = opened.client.get_workflow_handle(of.id, run_id=of.run_id)
    return [event async for event in handle.fetch_history_events()]


def _open(run_id: str, asked: Question) -> Entry:
    about = {
        "approval_id": asked.id,
        "about": asked.kind,
        "title": asked.title,
        "tool": asked.tool,
        "arguments_hash": asked.arguments_hash,
        "open": True,
    }
    return Entry(asked.asked_at, "question.asked", run_id, about)


async def _kept(opened: Session, span: Span) -> AsyncGenerator[Row]:
    """Yield the summaries of closed runs, page by page."""
    records, after = Records(opened.database, span.since, span.until), ""
    while page := await records.runs(after):
        for row in page:
            tenant = not span.tenant or row["tenant"] == span.tenant
            if tenant and (not span.agent or row["agent"] == span.agent):
                yield row
        after = page[-1]["run_id"]


def _of_the_database(row: Row) -> list[Entry]:
    """Return what a summary tells of a run whose history is gone."""
    run_id, closed_at = str(row["run_id"]), row["closed_at"]
    result: dict[str, Any] = json.loads(row["result"] or "{}")
    started = {
        "workflow": result.get("workflow", ""),
        "agent": row["agent"],
        "tenant": row["tenant"],
        "by": row["by"],
    }
    closed = {"outcome": row["outcome"], "reason": result.get("reason", "")}
    made = outcomes.parsed(result)
    return [
        Entry(row["started_at"], "run.started", run_id, started),
        *outcomes.decisions(run_id, made, (), [each.at for each in made]),
        *outcomes.kept_effects(run_id, result, closed_at),
        *outcomes.refusals(run_id, result, [closed_at]),
        Entry(closed_at, "run.closed", run_id, closed),
        left_out("its history", _GONE, run_id, closed_at),
    ]


def _spelled(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
