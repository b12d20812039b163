"""What the database tells the audit log: operators' acts, halts, standing approvals, reviews."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from commands.audited.entry import Entry, Span, left_out
from runtime.database import Database
from runtime.operations import Operations
from runtime.records import Records, Row


async def beside_runs(database: Database, span: Span) -> list[Entry]:
    """Return what was done beside the runs, in no order."""
    records = Records(database, span.since, span.until)
    found: list[Entry] = []
    for row in await records.halts():
        if _concerns(span, row["scope"], row["name"]):
            found += _halt(row)
    for row in await records.standing():
        if _of(span, row):
            found += _standing(row)
    for row in await records.standing_uses():
        if _of(span, row):
            found.append(_use(row))
    if not span.agent:
        found += await _operations(database, span)
        found += [_review(row) for row in await records.reviews() if _of(span, row)]
    return [entry for entry in found if span.has(entry.at)]


async def _operations(database: Database, span: Span) -> list[Entry]:
    noted = await Operations(database).between(span.since, span.until, span.tenant)
    found = [
        Entry(
            each.at,
            each.act,
            fields={
                "subject": each.subject,
                "tenant": each.tenant,
                "by": each.by,
                "identity": each.identity,
                "detail": dict(each.detail),
            },
        )
        for each in noted
    ]
    known = {each.subject for each in noted if each.act == "token.add"}
    for row in await Records(database, span.since, span.until).tokens():
        if row["id"] not in known and (not span.tenant or row["tenant"] == span.tenant):
            why = "it was made before it was kept who makes tokens"
            found.append(left_out(f"who made token {row['id']}", why, at=row["created_at"]))
    return found


def _halt(row: Row) -> Iterator[Entry]:
    about = {"id": row["id"], "scope": row["scope"], "name": row["name"]}
    yield _by(row["at"], "halt.placed", about, row["by"], row["reason"])
    if row["lifted_at"]:
        yield _by(row["lifted_at"], "halt.lifted", about, row["lifted_by"], row["lifted_why"])


def _standing(row: Row) -> Iterator[Entry]:
    about = {key: row[key] for key in ("id", "tenant", "agent", "tool")}
    terms = {
        "uses": row["uses"],
        "max_error_rate": row["max_error_rate"],
        "expires_at": row["expires_at"].isoformat(),
    }
    granted = {**about, **terms}
    yield _by(row["granted_at"], "standing.granted", granted, row["granted_by"], row["reason"])
    if row["ended_at"]:
        ended = {**about, "state": row["state"], "taken": row["taken"]}
        yield _by(row["ended_at"], "standing.ended", ended, row["ended_by"], row["ended_why"])


def _use(row: Row) -> Entry:
    about = {key: row[key] for key in ("tenant", "agent", "tool", "granted_by")}
    fields = {"id": row["approval"], "idempotency_key": row["key"], **about}
    return Entry(row["at"], "standing.used", fields=fields)


def _review(row: Row) -> Entry:
    about = {
        key: row[key]
        for key in ("id", "tenant", "triage", "number", "state", "category", "corrected")
    }
    return Entry(row["reviewed_at"], "review.given", fields={**about, "by": row["reviewed_by"]})


def _by(at: datetime, kind: str, about: Mapping[str, Any], by: str, reason: str) -> Entry:
    return Entry(at, kind, fields={**about, "by": by, "reason": reason})


def _of(span: Span, row: Row) -> bool:
    tenant = not span.tenant or row["tenant"] == span.tenant
    return tenant and (not span.agent or row.get("agent") == span.agent)


def _concerns(span: Span, scope: str, name: str) -> bool:
    """Whether a halt held back any of what is told of; that of a run stands for itself."""
    if scope == "tenant":
        return not span.tenant or name == span.tenant
    return scope != "agent" or not span.agent or name == span.agent
