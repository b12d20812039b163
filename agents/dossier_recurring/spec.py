"""A worker of a dossier. Finds the payments that come in and go out regularly."""

from agents.dossier.checks import CHECKS
from agents.dossier.contracts import AccountInput, RecurringPayments
from agents.dossier.tools import account_series
from agents.toolkit import prompt
from agents.workers import Worker
from domain.budget import Limits

AGENT = Worker(
    name="dossier_recurring",
    description="Finds the payments that come in and go out regularly.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[account_series],
    takes=AccountInput,
    gives=RecurringPayments,
    checks=CHECKS,
    inputs=("ledger",),
    max_output_tokens=4_000,
    limits=Limits(steps=8),
)
