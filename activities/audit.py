"""The auditor's own steps: snapshot, profile, screening, the second check, the report's text.

All are idempotent. They read, compute in threads, and write nothing but the snapshot, which is
named by its content.
"""

import asyncio
from datetime import timedelta
from pathlib import Path

from temporalio import activity

from activities.heartbeat import beating
from agents.auditor import columns, confirm, ledger, profile, report, screen
from domain.audit import Finding, LedgerProfile, Point, ScreenRequest, ScreenResult
from domain.auditing import (
    AuditRequest,
    Confirmed,
    ConfirmRequest,
    Prepared,
    Profiled,
    RenderRequest,
)

_AROUND = timedelta(days=45)


class AuditActivities:
    """What an audit does besides its candidates' runs.

    Args:
        cache: Folder of the snapshots; all workers of a queue must share it.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    @activity.defn(name="audit.prepare")
    async def prepare(self, request: AuditRequest) -> Prepared:
        """Take a read-only snapshot of the ledger, or say why it cannot be audited."""
        if not request.ledger:
            return Prepared(refusal='no ledger is named; give one: {"ledger": "path or URL"}')
        async with beating():
            try:
                found = await asyncio.to_thread(ledger.prepare, request.source, self._cache)
            except columns.LedgerError as error:
                return Prepared(refusal=str(error))
        return Prepared(ledger=found)

    @activity.defn(name="audit.profile")
    async def profile(self, path: str, batch_accounts: int) -> Profiled:
        """Find out what is normal in the ledger before anything in it is judged."""
        async with beating():
            found = await asyncio.to_thread(profile.profile, path)
            batches = await asyncio.to_thread(ledger.batches, path, batch_accounts)
        return Profiled(profile=found, batches=tuple(batches))

    @activity.defn(name="audit.screen")
    async def screen(self, request: ScreenRequest) -> ScreenResult:
        """Screen one batch of accounts; one that cannot be read does not hide the others."""
        async with beating():
            return await asyncio.to_thread(screen.screen, request)

    @activity.defn(name="audit.confirm")
    async def confirm(self, request: ConfirmRequest) -> Confirmed:
        """Check a finding by a query that the model cannot influence."""
        async with beating():
            return await asyncio.to_thread(_confirmed, request)

    @activity.defn(name="audit.render")
    async def render(self, request: RenderRequest) -> str:
        """Write the report's Markdown."""
        return await asyncio.to_thread(report.markdown, request.title, request.result)


def _confirmed(request: ConfirmRequest) -> Confirmed:
    confirmation = confirm.confirm(request.path, request.profile, request.finding)
    return Confirmed(
        confirmation=confirmation, series=_series(request.path, request.profile, request.finding)
    )


def _series(path: str, normal: LedgerProfile, finding: Finding) -> tuple[Point, ...]:
    start, end = finding.date - _AROUND, finding.date + _AROUND
    return tuple(screen.series(path, normal, finding.account_id, start, end))
