"""The specialist that writes the report."""

from decimal import Decimal

from agents.reading.policies import UNATTENDED
from agents.toolkit import Agent, prompt
from domain.budget import Limits
from domain.research import Draft

AGENT = Agent(
    name="researcher_writer",
    description="Writes the report out of the claims, under headings.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    answer=Draft,
    approvals=UNATTENDED,
    limits=Limits(steps=6, tokens=300_000, cost_usd=Decimal(1)),
    max_output_tokens=16_000,
)
