"""The specialist that states what each quotation says, where putting them together has failed."""

from agents.reading.policies import UNATTENDED
from agents.toolkit import Agent, prompt
from domain.budget import Limits
from domain.research import Synthesis

AGENT = Agent(
    name="researcher_digest",
    description="States each quotation as a claim of its own, in order; combines nothing.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    answer=Synthesis,
    approvals=UNATTENDED,
    limits=Limits(steps=6, tokens=200_000),
    max_output_tokens=8_000,
)
