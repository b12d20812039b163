"""The audit as a run: what starts it, what it carries between slices, what it comes to."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from domain.approval import Decision
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
from domain.budget import LimitsOverride
from domain.contract import Contract
from domain.run import Outcome

NOTHING = Decimal(0)


class AuditRequest(LedgerSource):
    """Starts an audit. Every field has a default, so that `{}` is a refusal and not a crash.

    Attributes:
        title: Of the report; empty for one made from the ledger's name.
        min_confidence: A finding that claims less passes a person.
        tokens: Budget of all candidates together.
        cost_usd: The same in money.
        limits: Of one candidate's run, where they differ from the auditor's.
        batch_accounts: Accounts screened by one activity.
        parallel: Activities or candidates' runs at once.
        dry_run: Files nothing and asks nobody; what would have needed a person is listed.
        state: Set by continue-as-new.
    """

    title: str = ""
    min_confidence: float = Field(default=0.8, ge=0, le=1)
    tokens: int = Field(default=20_000_000, ge=1)
    cost_usd: Decimal = Field(default=Decimal(20), ge=0)
    limits: LimitsOverride | None = None
    batch_accounts: int = Field(default=100, ge=1)
    parallel: int = Field(default=8, ge=1, le=50)
    tenant: str = "default"
    by: str = ""
    dry_run: bool = False
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


class AuditState(BaseModel):
    """All that an audit remembers, and all that continue-as-new carries over.

    Attributes:
        waiting: Candidates that no run has looked at yet.
        findings: Confirmed, and sure enough or approved.
        needs_review: What a person has to decide, or nobody could.
        unconfirmed: Findings the ledger does not bear out; never reported.
    """

    model_config = ConfigDict(extra="ignore")

    def model_post_init(self, _: Any) -> None:
        """Count every field as set: the converter drops unset ones, and lists change in place."""
        self.model_fields_set.update(type(self).model_fields)

    lineage: str
    ledger: PreparedLedger | None = None
    profile: LedgerProfile | None = None
    waiting: list[Candidate] = []
    screened: bool = False
    accounts_screened: int = 0
    candidates: int = 0
    failed_accounts: dict[str, str] = {}
    findings: list[Checked] = []
    needs_review: list[Checked] = []
    unconfirmed: list[Checked] = []
    not_done: list[str] = []
    decisions: list[Decision] = []
    ignored: list[str] = []
    model_calls: int = 0
    tokens: int = 0
    cost_usd: Decimal = NOTHING
    model: str = ""
    worked_s: float = 0
    continued: int = 0
    started_at: datetime | None = None


class AuditResult(Contract):
    """What an audit came to; also, from a query, what it has come to so far.

    Attributes:
        filed: What filing the report came to; empty where it was not filed.
        report: The report as Markdown.
        seconds: From start to end, waiting included.
    """

    run_id: str
    outcome: Outcome
    reason: str = ""
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
    not_done: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    ignored: tuple[str, ...] = ()
    filed: str = ""
    report: str = ""
    model_calls: int = 0
    tokens: int = 0
    cost_usd: Decimal = NOTHING
    model: str = ""
    seconds: float = 0


AuditRequest.model_rebuild()
RenderRequest.model_rebuild()
