"""The step agent: no tools, one answer, typed by the step that it is."""

from decimal import Decimal

from agents.toolkit import Agent, prompt
from domain.budget import Limits

AGENT = Agent(
    name="step",
    description="Carries out one step of a chain: an instruction, an input, a typed answer.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    max_output_tokens=4_000,
    limits=Limits(steps=6, tokens=150_000, cost_usd=Decimal("0.50"), wall_clock_s=900),
)
