"""The judge: one answer, one rubric, a verdict. It has no tools and sees nothing else."""

from decimal import Decimal

from pydantic import Field

from agents.toolkit import Agent, prompt
from domain.budget import Limits
from domain.contract import Strict
from domain.guard import GuardPolicy


class Verdict(Strict):
    """What the judge says."""

    reason: str = Field(min_length=1, max_length=1_000)
    passes: bool


AGENT = Agent(
    name="judge",
    description="Says whether an answer does what a rubric asks; for evaluations.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    answer=Verdict,
    route=["openai:gpt-5-mini", "anthropic:claude-haiku-4-5"],
    # What it judges is somebody else's, and may speak to it.
    guards=GuardPolicy(task_source="outside"),
    max_output_tokens=1_500,
    limits=Limits(steps=4, tokens=60_000, cost_usd=Decimal("0.10"), wall_clock_s=300),
)
