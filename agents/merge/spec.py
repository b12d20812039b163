"""The merging agent: reads the rows of one batch and states what they come to."""

from decimal import Decimal

from agents.merge.answer import Synthesis
from agents.merge.checks import rests_on_rows
from agents.merge.tools import batch_rows
from agents.toolkit import Agent, prompt
from domain.budget import Limits

AGENT = Agent(
    name="merge",
    description="Makes one answer of the rows of a batch, naming the documents it rests on.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[batch_rows],
    answer=Synthesis,
    checks=[rests_on_rows],
    max_output_tokens=4_000,
    limits=Limits(steps=40, tokens=2_000_000, cost_usd=Decimal("2.00"), wall_clock_s=1_800),
)
