"""The specialist that arranges claims as they are, where writing has failed."""

from decimal import Decimal

from agents.reading.policies import UNATTENDED
from agents.toolkit import Agent, prompt
from domain.budget import Limits
from domain.research import Draft

AGENT = Agent(
    name="researcher_editor",
    description="Sets the claims under headings and changes no word of them.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    answer=Draft,
    approvals=UNATTENDED,
    limits=Limits(steps=6, tokens=300_000, cost_usd=Decimal(1)),
    max_output_tokens=16_000,
)
