"""A worker of a dossier. Finds what is unusual in an account, given what is usual for it."""

from agents.dossier.checks import CHECKS
from agents.dossier.contracts import Anomalies, AnomalyInput
from agents.dossier.tools import account_oddities
from agents.toolkit import prompt
from agents.workers import Worker
from domain.budget import Limits

AGENT = Worker(
    name="dossier_anomalies",
    description="Finds what is unusual in an account, given what is usual for it.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[account_oddities],
    takes=AnomalyInput,
    gives=Anomalies,
    checks=CHECKS,
    inputs=("ledger",),
    max_output_tokens=4_000,
    limits=Limits(steps=8),
)
