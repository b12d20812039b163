"""How an audit's result is printed."""

import json
from collections.abc import Iterable
from typing import Any

from rich.console import RenderableType
from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError

from commands import console, results, views
from commands.console import safe
from commands.errors import Exit
from commands.reading import Closed
from commands.session import Session
from domain.auditing import AuditResult, Checked
from domain.run import Outcome


def report(run_id: str, closed: Closed, *, as_json: bool) -> Exit:
    """Print what an audit came to.

    Raises:
        CommandError: It closed as failed.
    """
    return results.run_result(run_id, closed, as_json=as_json, kind="audit")


async def so_far(opened: Session, run_id: str) -> AuditResult | None:
    """Return what an audit under way has come to; None where no worker can say."""
    try:
        handle = opened.client.get_workflow_handle(run_id)
        return await handle.query("so_far", result_type=AuditResult)
    except (RPCError, WorkflowQueryFailedError):
        return None


def figures(result: AuditResult, outcome: str = "") -> dict[str, Any]:
    """Return what `audit --json` prints."""
    return {
        "run_id": result.run_id,
        "outcome": outcome or result.outcome.value,
        "findings": [each.as_row() for each in result.findings],
        "needs_review": [each.as_row() for each in result.needs_review],
        "unconfirmed": [each.as_row() for each in result.unconfirmed],
        "transactions": result.transactions,
        "accounts": result.accounts_screened,
        "model_calls": result.model_calls,
        "tokens": result.tokens,
        "cost_usd": float(result.cost_usd),
        "model": result.model,
        "seconds": round(result.seconds, 3),
        **({"reason": result.reason} if result.reason and not outcome else {}),
    }


def show(result: AuditResult, *, waiting: bool = False) -> None:
    """Print an audit's result for a person, or what there is of it while it waits for one."""
    results.show(result, "audit", waiting=waiting)


def _facts(result: AuditResult) -> dict[str, str]:
    failed = [f"account {name}: {why}" for name, why in result.failed_accounts.items()]
    return {
        "ledger": f"{result.transactions:,} transactions, {result.accounts_screened:,} of "
        f"{result.accounts:,} accounts screened, {result.candidates} looked at closely",
        "not screened": results.lines(failed, 10),
        "filed": safe(filed(result)),
        "report": safe(f"python starter.py report {result.run_id} --html report.html"),
        "spend": f"{result.model_calls} model calls, {result.tokens:,} tokens, "
        f"{views.money(str(result.cost_usd))}, {views.duration(result.seconds)}",
    }


@results.shows("audit", facts=_facts, figures=figures)
def _findings(result: AuditResult) -> Iterable[RenderableType]:
    for title, rows in (
        ("findings", result.findings),
        ("for a person to decide", result.needs_review),
        ("not borne out by the ledger, not reported", result.unconfirmed),
    ):
        if rows:
            yield _table(title, rows)
            yield ""
    # Only what has not ended has a reason and is called completed.
    ended = result.outcome is not Outcome.COMPLETED or not result.reason
    if not result.findings and result.accounts_screened and ended:
        yield "[green]no findings[/]"


def _table(title: str, rows: tuple[Checked, ...]) -> Any:
    why = any(row.why_not for row in rows)
    columns = ("account", "day", "transaction", "kind", "recorded", "expected", "sure")
    right = ("recorded", "expected", "sure")
    made = console.table(*columns, *(["why not"] if why else []), title=title, right=right)
    for each in rows:
        finding = each.answer.finding if each.answer else None
        row = each.as_row()
        sure = row["confidence"]
        made.add_row(
            safe(str(row["account_id"])),
            row["date"],
            safe(str(row["trans_id"] or "")),
            row["kind"] or "",
            f"{finding.recorded:,.2f}" if finding else "",
            f"{finding.expected:,.2f}" if finding else "",
            f"{sure:.2f}" if sure is not None else "",
            *([safe(each.why_not)] if why else []),
        )
    return made


def filed(result: AuditResult) -> str:
    """Return when and under which key the report was filed, nothing where it was not."""
    try:
        told = json.loads(result.filed)
        return f"{told['filed_at'][:19]} UTC under the key {told['key']}"
    except (ValueError, KeyError, TypeError):
        return result.filed


def accounts(result: AuditResult) -> set[str]:
    """Return the accounts in which a fault was found."""
    return {str(each.as_row()["account_id"]) for each in result.findings}
