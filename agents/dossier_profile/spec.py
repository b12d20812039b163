"""A worker of a dossier. Profiles an account: its days, sums, balances and kinds of bookings."""

from agents.dossier.checks import CHECKS
from agents.dossier.contracts import AccountInput, AccountProfile
from agents.dossier.tools import account_figures
from agents.toolkit import prompt
from agents.workers import Worker
from domain.budget import Limits

AGENT = Worker(
    name="dossier_profile",
    description="Profiles an account: its days, sums, balances and kinds of bookings.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[account_figures],
    takes=AccountInput,
    gives=AccountProfile,
    checks=CHECKS,
    inputs=("ledger",),
    max_output_tokens=4_000,
    limits=Limits(steps=8),
)
