"""The specialist that puts quotations together into claims."""

from agents.reading.policies import UNATTENDED
from agents.toolkit import Agent, prompt
from domain.budget import Limits
from domain.research import Synthesis

AGENT = Agent(
    name="researcher_synthesis",
    description="Turns quotations into claims, each with the quotations that bear it out.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    answer=Synthesis,
    approvals=UNATTENDED,
    limits=Limits(steps=6, tokens=200_000),
    max_output_tokens=8_000,
)
