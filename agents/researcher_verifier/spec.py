"""The verifier: judges one claim by the passages it cites, in a run of its own."""

from decimal import Decimal

from agents.reading.policies import UNATTENDED
from agents.toolkit import Agent, prompt
from domain.budget import Limits
from domain.research import Opinion

AGENT = Agent(
    name="researcher_verifier",
    description="Says whether the cited passages bear out one claim.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    answer=Opinion,
    approvals=UNATTENDED,
    limits=Limits(steps=4, tokens=60_000, cost_usd=Decimal("0.10")),
    max_output_tokens=1_000,
    pinned=True,
)
