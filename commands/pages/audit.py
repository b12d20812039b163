"""The page of an audit: what was found, how it was confirmed, who decided, what it took."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from commands.heard import Heard
from commands.pages import plot, sheet
from commands.pages.around import ALONE, Around
from commands.pages.timeline import Budget, Phase
from domain.audit import Finding
from domain.auditing import AuditResult, Checked

_LATEST: Final = 99
"""Percent; what begins at the very end still has to be seen."""


class Bar(NamedTuple):
    """A phase as a bar: where it begins and how wide it is, in percent of the whole."""

    phase: Phase
    left: float
    width: float
    seconds: float | None


class Shown(NamedTuple):
    """A candidate with its picture."""

    number: int
    checked: Checked
    plot: plot.Plot | None


class Used(NamedTuple):
    """A quantity against its limit."""

    name: str
    used: str
    limit: str
    percent: float


def audit_page(
    result: AuditResult,
    *,
    state: str = "",
    budget: Budget | None = None,
    phases: Sequence[Phase] = (),
    sent: Sequence[Heard] = (),
    around: Around = ALONE,
    started_at: datetime | None = None,
    closed_at: datetime | None = None,
) -> str:
    """Return one self-contained HTML page.

    Args:
        result: What the audit came to, or has come to so far.
        state: Of an audit under way; empty for one that has closed.
        budget: What all candidates together may use.
        phases: From the run's history, in order.
        sent: Who sent which answer, as the server recorded it.
        around: What all pages have.
        started_at: When the run began.
        closed_at: When it ended.
    """
    return sheet.render(
        "audit.html.jinja",
        result=result,
        state=state,
        findings=_shown(result.findings),
        needs_review=_shown(result.needs_review),
        kinds_found=_kinds(result.findings),
        used=_used(result, budget),
        bars=bars(phases),
        sent=sent,
        around=around,
        started_at=started_at,
        closed_at=closed_at,
    )


def _shown(rows: Sequence[Checked]) -> list[Shown]:
    return [
        Shown(number, each, plot.balance(each.series, _finding(each), _gap(each)))
        for number, each in enumerate(rows, 1)
    ]


def _finding(checked: Checked) -> Finding | None:
    return checked.answer.finding if checked.answer else None


def _gap(checked: Checked) -> int:
    """Return by how many cents the ledger differs from what continues it, by the second check."""
    proof = checked.confirmation
    if proof is None or proof.recorded_cents is None or proof.expected_cents is None:
        return 0
    return proof.expected_cents - proof.recorded_cents


def _kinds(rows: Sequence[Checked]) -> list[tuple[str, int]]:
    """Return how many findings there are of each kind, the most frequent first."""
    found = [finding.kind for each in rows if (finding := _finding(each)) is not None]
    counts = {kind: found.count(kind) for kind in sorted(set(found))}
    return sorted(counts.items(), key=lambda pair: -pair[1])


def _used(result: AuditResult, budget: Budget | None) -> list[Used]:
    if budget is None:
        return []
    rows: list[Used] = []
    if budget.tokens:
        share = result.tokens / budget.tokens
        rows.append(Used("tokens", f"{result.tokens:,}", f"{budget.tokens:,}", _percent(share)))
    if budget.cost_usd:
        share = float(result.cost_usd / budget.cost_usd)
        used, limit = f"${result.cost_usd:,.4f}", f"${budget.cost_usd:,.2f}"
        rows.append(Used("cost", used, limit, _percent(share)))
    return rows


def _percent(share: float) -> float:
    return round(min(share, 1) * 100, 2)


def bars(phases: Sequence[Phase]) -> list[Bar]:
    """Return phases laid out over the time from the first one's start to the last one's end."""
    if not phases:
        return []
    began = min(phase.began for phase in phases)
    ended = max(phase.ended or phase.began for phase in phases)
    whole = max((ended - began).total_seconds(), 0.001)
    found: list[Bar] = []
    for phase in phases:
        left = (phase.began - began).total_seconds() / whole * 100
        seconds = (phase.ended - phase.began).total_seconds() if phase.ended else None
        width = (seconds if seconds is not None else 0) / whole * 100
        found.append(Bar(phase, round(min(left, _LATEST), 2), round(width, 2), seconds))
    return found
