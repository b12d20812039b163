"""A worker of a dossier. Finds out with whom an account deals, and for how much."""

from agents.dossier.checks import CHECKS
from agents.dossier.contracts import AccountInput, Partners
from agents.dossier.tools import account_partners
from agents.toolkit import prompt
from agents.workers import Worker
from domain.budget import Limits

AGENT = Worker(
    name="dossier_partners",
    description="Finds out with whom an account deals, and for how much.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[account_partners],
    takes=AccountInput,
    gives=Partners,
    checks=CHECKS,
    inputs=("ledger",),
    max_output_tokens=4_000,
    limits=Limits(steps=8),
)
