"""What the workers of a dossier on an account take and give. Money is in the ledger's own unit."""

import datetime as dt
from typing import Literal

from pydantic import Field

from domain.contract import Strict


class AccountInput(Strict):
    """Which account."""

    account: str = Field(description="The account, as the ledger names it.")


class Kind(Strict):
    """All bookings of one kind."""

    kind: str = Field(description="Type, operation and symbol, as the ledger has them.")
    bookings: int
    total: float = Field(description="Sum of the signed amounts, credit positive.")


class AccountProfile(Strict):
    """What an account looks like over its whole history."""

    account: str
    first_day: dt.date
    last_day: dt.date
    bookings: int
    received: float = Field(description="Sum of all credits.")
    paid: float = Field(description="Sum of all debits, positive.")
    net: float = Field(description="Received minus paid.")
    lowest_balance: float
    highest_balance: float
    final_balance: float
    kinds: tuple[Kind, ...] = Field(description="All bookings, by kind.")


class Partner(Strict):
    """Everything with one counterparty."""

    name: str
    bookings: int
    received: float
    paid: float


class Partners(Strict):
    """With whom an account deals."""

    account: str
    named: bool = Field(description="Whether the ledger names counterparties at all.")
    bookings: int = Field(description="All bookings of the account.")
    without_name: int = Field(description="Bookings that name nobody.")
    partners: tuple[Partner, ...] = Field(description="The largest first.")


class Payment(Strict):
    """A payment that comes again and again."""

    what: str = Field(description="Kind and, where it is named, counterparty.")
    direction: Literal["in", "out"]
    amount: float = Field(description="The usual amount, positive.")
    steady: bool = Field(description="Whether the amount is always about the same.")
    times: int
    every_days: int
    first: dt.date
    last: dt.date


class RecurringPayments(Strict):
    """What comes in and goes out regularly."""

    account: str
    payments: tuple[Payment, ...]
    monthly_in: float = Field(description="What the payments come to in a month.")
    monthly_out: float = Field(description="The same for what goes out.")


class AnomalyInput(AccountInput):
    """An account, and what is usual for it."""

    profile: AccountProfile
    recurring: RecurringPayments


class Anomaly(Strict):
    """Something that a person should look at."""

    kind: Literal["balance", "size", "gap"] = Field(
        description="balance: bookings do not continue the balance; size: far from what is usual "
        "for its kind; gap: a regular payment did not come."
    )
    day: dt.date
    trans_id: str = Field(description="The booking; empty where none is meant.")
    amount: float = Field(description="Signed amount; 0 where no booking is meant.")
    what: str = Field(description="One sentence.")


class Anomalies(Strict):
    """What is unusual in an account."""

    account: str
    bookings: int = Field(description="Bookings that were looked at.")
    anomalies: tuple[Anomaly, ...]


class DossierInput(AccountInput):
    """All that was found out about an account."""

    profile: AccountProfile
    partners: Partners
    recurring: RecurringPayments
    anomalies: Anomalies


class Section(Strict):
    """A part of the dossier."""

    heading: str
    text: str


class Dossier(Strict):
    """What a reader needs to know about an account."""

    account: str
    title: str
    summary: str = Field(description="Two or three sentences.")
    sections: tuple[Section, ...]
    open_points: tuple[str, ...] = Field(description="What a person should look into.")
