"""The audit as a run: what starts it, what it carries between slices, what it comes to."""

from decimal import Decimal
from typing import Any

from pydantic import Field

from domain.audit import (
    AuditorAnswer,
    Candidate,
    Confirmation,
    Finding,
    LedgerProfile,
    LedgerSource,
    Point,
    PreparedLedger,
)
from domain.contract import Contract
from domain.runs import Outcome, RunRequest, RunResult, RunState

NOTHING = Decimal(0)


class AuditRequest(RunRequest, LedgerSource):
    """Starts an audit. Every field has a default, so that `{}` is a refusal and not a crash.

    Attributes:
        title: Of the report; empty for one made from the ledger's name.
        min_confidence: A finding that claims less passes a person.
        batch_accounts: Accounts screened by one activity.
        parallel: Activities or candidates' runs at once.
        state: Set by continue-as-new.
    """

    title: str = ""
    min_confidence: float = Field(default=0.8, ge=0, le=1)
    batch_accounts: int = Field(default=100, ge=1)
    parallel: int = Field(default=8, ge=1, le=50)
    state: "AuditState | None" = None

    @property
    def source(self) -> LedgerSource:
        """The ledger alone, as the activities take it."""
        fields = {name: getattr(self, name) for name in LedgerSource.model_fields}
        return LedgerSource(**fields)


class Prepared(Contract):
    """A ledger that can be audited, or why it cannot."""

    ledger: PreparedLedger | None = None
    refusal: str = ""


class Profiled(Contract):
    """What is normal in the ledger, and its accounts in batches."""

    profile: LedgerProfile
    batches: tuple[tuple[str, ...], ...]


class ConfirmRequest(Contract):
    """A finding to check against the ledger by a query of our own."""

    path: str
    profile: LedgerProfile
    finding: Finding


class Confirmed(Contract):
    """The check's verdict, and the bookings around the finding for a plot."""

    confirmation: Confirmation
    series: tuple[Point, ...] = ()


class RenderRequest(Contract):
    """A result to be written as the report's Markdown."""

    title: str
    result: "AuditResult"


class Checked(Contract):
    """A candidate whose run has ended, with what the second check said of its finding.

    Attributes:
        run_id: The run that looked at it.
        outcome: How that run ended.
        why_not: Why this is no finding, or not yet one: empty for a finding that stands.
    """

    candidate: Candidate
    run_id: str
    outcome: Outcome
    answer: AuditorAnswer | None = None
    confirmation: Confirmation | None = None
    series: tuple[Point, ...] = ()
    why_not: str = ""

    def as_row(self) -> dict[str, Any]:
        """Return the row that `audit --json` prints of it."""
        finding = self.answer.finding if self.answer else None
        row: dict[str, Any] = {
            "account_id": finding.account_id if finding else self.candidate.account_id,
            "date": str(finding.date if finding else self.candidate.days[-1]),
            "trans_id": finding.trans_id if finding else None,
            "kind": finding.kind if finding else None,
            "confidence": self.answer.confidence if self.answer else None,
        }
        return row | ({"why": self.why_not} if self.why_not else {})


class AuditState(RunState):
    """All that an audit remembers, and all that continue-as-new carries over.

    Attributes:
        waiting: Candidates that no run has looked at yet.
        findings: Confirmed, and sure enough or approved.
        needs_review: What a person has to decide, or nobody could.
        unconfirmed: Findings the ledger does not bear out; never reported.
    """

    ledger: PreparedLedger | None = None
    profile: LedgerProfile | None = None
    waiting: list[Candidate] = Field(default_factory=list[Candidate])
    screened: bool = False
    accounts_screened: int = 0
    candidates: int = 0
    failed_accounts: dict[str, str] = Field(default_factory=dict[str, str])
    findings: list[Checked] = Field(default_factory=list[Checked])
    needs_review: list[Checked] = Field(default_factory=list[Checked])
    unconfirmed: list[Checked] = Field(default_factory=list[Checked])


class AuditResult(RunResult):
    """What an audit came to; also, from a query, what it has come to so far.

    Attributes:
        filed: What filing the report came to; empty where it was not filed.
        report: The report as Markdown.
        model_calls: With tokens and cost, what `spend` says, for those who read it here.
    """

    title: str = ""
    ledger: PreparedLedger | None = None
    profile: LedgerProfile | None = None
    accounts: int = 0
    transactions: int = 0
    accounts_screened: int = 0
    candidates: int = 0
    failed_accounts: dict[str, str] = Field(default_factory=dict)
    findings: tuple[Checked, ...] = ()
    needs_review: tuple[Checked, ...] = ()
    unconfirmed: tuple[Checked, ...] = ()
    filed: str = ""
    report: str = ""
    model_calls: int = 0
    tokens: int = 0
    cost_usd: Decimal = NOTHING


AuditRequest.model_rebuild()
RenderRequest.model_rebuild()
