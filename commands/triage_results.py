"""What a triage shows: its counts, its tickets, how well confidences fit."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from commands import console, results
from commands.console import safe
from commands.errors import CommandError
from domain.calibration import Calibration
from domain.triage import TriageResult
from runtime.reviews import Rates
from runtime.tickets import Tickets

_SHOWN = (
    "ticket",
    "category",
    "confidence",
    "calibrated",
    "similarity",
    "route",
    "ended",
    "run_id",
)


def _facts(result: TriageResult) -> dict[str, str]:
    sent = result.sent_alone + result.sent_by_person
    asked = f"{result.asked:,}"
    if result.asked:
        asked += f": {result.low_confidence:,} unsure, {result.novel:,} unlike anything known"
    return {
        "tickets": f"{result.tickets:,}",
        "sent": f"{sent:,}: {result.sent_alone:,} alone, {result.sent_by_person:,} by a person",
        "with a person": asked,
        "waiting now": f"{result.waiting:,}" if result.waiting else "",
        "not sent": f"{result.not_sent:,}" if result.not_sent else "",
        "failed": f"{result.failed:,}" if result.failed else "",
        "left out": results.lines(result.left_out),
    }


@results.shows("triage", facts=_facts)
def _triage(result: TriageResult) -> Iterable[RenderableType]:
    if result.waiting:
        yield (
            f"[yellow]{result.waiting:,} tickets wait for a person[/]: "
            "python starter.py approvals shows each with its draft"
        )


def calibrations(tables: Sequence[Calibration], rates: Rates | None) -> None:
    """Print, for each kind of claim, what was claimed against what was right."""
    for found in tables:
        if not found.reviewed:
            continue
        console.out().print(_bins(found))
        console.out().print(
            f"{found.reviewed:,} reviewed, Brier score {found.brier:.3f}, "
            f"expected calibration error {found.ece:.3f} (0 is perfect)\n"
        )
    if not any(found.reviewed for found in tables):
        console.note("no decision was reviewed yet; a claimed confidence counts as it is")
    if rates is not None:
        judged = rates.accepted + rates.corrected
        share = f", {rates.corrected / judged:.1%} wrong" if judged else ""
        console.out().print(
            f"drawn for review: {rates.accepted:,} accepted, {rates.corrected:,} corrected{share}, "
            f"{rates.open:,} open"
        )


def _bins(found: Calibration) -> Table:
    columns = ("claimed", "reviewed", "mean claim", "right", "counts as")
    title = "by log probabilities" if found.source == "logprobs" else "by the model's own word"
    made = console.table(*columns, title=title, right=columns[1:])
    for line in found.lines:
        if line.claimed is None or line.right is None:
            continue
        made.add_row(
            f"{line.low:.1f} to {line.high:.1f}",
            f"{line.reviewed:,}",
            f"{line.claimed:.2f}",
            f"{line.right:.2f}",
            f"{line.worth:.2f}",
        )
    return made


async def rows_of(tickets: Tickets, run_id: str, tenant: str) -> list[dict[str, Any]]:
    """Return what `tickets` lists of a triage; without an id, of the tenant's last one.

    Raises:
        CommandError: There is none.
    """
    lineages = await tickets.of_tenant(tenant)
    for lineage in reversed(lineages):
        rows = await tickets.rows(lineage)
        below = any(str(row["run_id"]).startswith(f"{run_id}/") for row in rows)
        if rows and (not run_id or below):
            return [{name: row[name] for name in (*_SHOWN, "reason")} for row in rows]
    raise CommandError(
        f"there is no triage {run_id!r} of tenant {tenant!r} whose tickets are known; "
        "`python starter.py list` shows the runs there are"
    )


def tickets_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Return a triage's tickets as a table."""
    made = console.table(*_SHOWN[:-1], "run", right=("confidence", "calibrated", "similarity"))
    for row in rows:
        numbers = (f"{row[name]:.2f}" for name in ("confidence", "calibrated", "similarity"))
        made.add_row(
            safe(str(row["ticket"])),
            safe(str(row["category"])),
            *numbers,
            str(row["route"]) or ("person" if row["category"] and not row["ended"] else ""),
            str(row["ended"]).replace("_", " ") or "under way",
            safe(str(row["run_id"])),
        )
    return made
