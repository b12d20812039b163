"""A worker of a dossier. Writes the dossier on an account from what the others found out."""

from agents.dossier.checks import CHECKS
from agents.dossier.contracts import Dossier, DossierInput
from agents.toolkit import prompt
from agents.workers import Worker
from domain.budget import Limits

AGENT = Worker(
    name="dossier_writer",
    description="Writes the dossier on an account from what the others found out.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    takes=DossierInput,
    gives=Dossier,
    checks=CHECKS,
    max_output_tokens=4_000,
    limits=Limits(steps=8),
)
