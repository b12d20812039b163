"""Audits."""

from pathlib import Path
from tempfile import TemporaryDirectory

from activities.audit import AuditActivities
from runtime.serving import activities_of
from tests.replay.cases import case
from tests.workflows import test_audit as audits
from tests.workflows.stage import Handle, Stage


@case
async def audit_filed(stage: Stage) -> Handle:
    """An audit with an unsure finding and a report that is filed."""
    return await _audit(stage, "B", confidence=0.7)


@case
async def audit_rejected(stage: Stage) -> Handle:
    """An audit of a ledger that is not there."""
    stage.more = activities_of(AuditActivities(Path("nowhere")))
    await stage.play(audits.AUDITOR, audits.auditor())
    return await audits.start(stage, "nowhere.csv")


async def _audit(stage: Stage, account: str, confidence: float) -> Handle:
    with TemporaryDirectory() as folder:
        stage.more = activities_of(AuditActivities(Path(folder) / "snapshots"))
        script = audits.auditor(lambda said: said | {"confidence": confidence})
        await stage.play(audits.AUDITOR, script)
        path = audits.ledger(Path(folder), account)
        handle = await audits.start(stage, path, min_confidence=0.9)
        first = await stage.asked(handle)
        await handle.signal("approve")
        await stage.until(handle, lambda s: s.question and s.question["id"] != first["id"])
        await handle.signal("approve")
        await stage.closed(handle)
    return handle
