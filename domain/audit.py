"""What an audit is about: a ledger, what is normal in it, suspicions, findings, confirmations.

Money is integer cents wherever Holdfast computes, and a plain number in the ledger's own unit
where a model or a person reads or writes it.
"""

import datetime as dt
import re
from typing import Literal

from pydantic import Field

from domain.contract import Contract, Strict, canonical, digest

_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,64}")
FaultKind = Literal["amount", "balance", "duplicate", "missing", "sign"]

KINDS: dict[FaultKind, str] = {
    "amount": "the amount was altered",
    "balance": "the balance was altered",
    "duplicate": "the transaction was booked twice",
    "missing": "a transaction before this one is missing",
    "sign": "the sign was reversed",
}


class LedgerSource(Contract):
    """Where a ledger comes from, as its owner names it.

    Attributes:
        ledger: Path of a CSV or SQLite file, or a SQLAlchemy URL. `${NAME}` in a URL is replaced
            from the worker's environment, so that a password never enters a history.
        table: Table or view to read; empty where the source has only one that fits.
        mapping: Our column name to the source's, for example `{"account_id": "acct"}`.
        encoding: Of a CSV file; empty for UTF-8, or what its byte order mark says.
        delimiter: Of a CSV file; empty to find it out.
    """

    ledger: str = ""
    table: str = ""
    mapping: dict[str, str] = Field(default={})
    encoding: str = ""
    delimiter: str = ""


class PreparedLedger(Contract):
    """A read-only snapshot of a ledger, in one layout whatever the source was.

    Attributes:
        path: SQLite file with the table `transactions`.
        fingerprint: Hash of the content; the same source and options give the same file.
        name: What people call it: the file's or the table's name.
    """

    path: str
    fingerprint: str
    name: str
    transactions: int
    accounts: int


class LedgerProfile(Contract):
    """What was found to be normal in a ledger, before anything in it is judged.

    Attributes:
        sign_column: Column whose values say whether money comes or goes; empty where the
            amounts carry their sign.
        signs: Its values to +1 (credit) or -1 (debit).
        links: Bookings that follow a balance; what rounding was learned from.
        rounded_links: Those that miss the nearest one, by no more than the tolerance.
        tolerance_cents: By how much a continued balance may differ.
        grain_cents: Amounts and balances are multiples of this.
        file_order_breaks: Bookings that do not continue the one before them in the file, which
            says how little the file's order means.
        busy_days: Account-days with several bookings.
        notes: The same in sentences.
    """

    transactions: int
    accounts: int
    first_day: dt.date
    last_day: dt.date
    sign_column: str
    signs: dict[str, int]
    links: int
    rounded_links: int
    tolerance_cents: int
    grain_cents: int
    file_order_breaks: int
    busy_days: int
    notes: tuple[str, ...]


class Candidate(Contract):
    """Days of one account on which no booking order continues the balance.

    Attributes:
        days: The first is the last day known to be good, where there is one; the last is the
            day on which the break shows.
        until: Last day of the bookings that an auditor needs to see.
        why: What does not fit, in one sentence.
        opening_cents: Balance before the first of `days`; None at the start of the account.
    """

    account_id: str
    days: tuple[dt.date, ...]
    until: dt.date
    why: str
    opening_cents: int | None = None

    @property
    def id(self) -> str:
        """Identifies the candidate within its ledger; fit for a workflow id."""
        account = self.account_id
        if not _PLAIN.fullmatch(account):
            account = digest(account, length=16)  # the server limits what an id may be
        return f"{account}-{self.days[-1].isoformat()}"


def brief(candidate: Candidate, profile: LedgerProfile) -> str:
    """Return the task of the run that looks into `candidate`: the same JSON for every model."""
    about = {
        "candidate": candidate.model_dump(mode="json"),
        "normal": {
            "tolerance": profile.tolerance_cents / 100,
            "signs": profile.signs,
            "notes": profile.notes,
        },
    }
    return canonical(about).decode()


class ScreenRequest(Contract):
    """A batch of accounts to screen."""

    path: str
    profile: LedgerProfile
    accounts: tuple[str, ...]


class ScreenResult(Contract):
    """What screening a batch found.

    Attributes:
        failed: Accounts that could not be screened, with the reason; the others are unaffected.
    """

    accounts: int
    transactions: int
    candidates: tuple[Candidate, ...] = ()
    failed: dict[str, str] = Field(default={})


class Finding(Strict):
    """One fault of one booking."""

    account_id: str = Field(description="The account, as the ledger names it.")
    date: dt.date = Field(description="Day of the faulty booking.")
    trans_id: str = Field(
        description="The faulty booking. duplicate: the first of the two. "
        "missing: the booking before which one is missing."
    )
    kind: FaultKind = Field(
        description="; ".join(f"{kind}: {meaning}" for kind, meaning in KINDS.items())
    )
    recorded: float = Field(
        description="What the ledger says: the balance for kind balance, 0 for missing, "
        "else the signed amount (credit positive)."
    )
    expected: float = Field(
        description="What continues the balance instead, in the same terms; "
        "0 for duplicate, the missing signed amount for missing."
    )


class AuditorAnswer(Strict):
    """What the auditor says about one candidate."""

    verdict: Literal["finding", "no_finding"]
    finding: Finding | None = Field(description="The fault; null for no_finding.")
    reason: str = Field(description="One or two sentences: what breaks, and what mends it.")
    evidence: list[str] = Field(
        description="Queries this rests on: the `query` of tool results, copied exactly."
    )
    confidence: float = Field(ge=0, le=1, description="How sure, 0 to 1.")


class Evidence(Contract):
    """A query and what it returned, so that anyone can run it again."""

    sql: str
    rows: int
    result: str = ""


class Confirmation(Contract):
    """What the second check says about a finding. Its numbers are its own, not the model's.

    Attributes:
        supported: The kind that the ledger supports for this booking; empty for none.
        recorded_cents: What the ledger says, as `Finding.recorded`.
        expected_cents: What continues the balance, as `Finding.expected`.
    """

    confirmed: bool
    reason: str
    supported: str = ""
    recorded_cents: int | None = None
    expected_cents: int | None = None
    evidence: tuple[Evidence, ...] = ()


class Point(Contract):
    """One booking for a plot, in an order that continues the balance where there is one."""

    date: dt.date
    trans_id: str
    signed_cents: int
    balance_cents: int
