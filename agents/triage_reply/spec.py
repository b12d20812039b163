"""The drafting agent: one message, checked before anyone can send it."""

from decimal import Decimal

from pydantic import Field

from agents.toolkit import Agent, prompt
from agents.triage_reply.checks import complete
from domain.budget import Limits
from domain.contract import Strict
from domain.guard import GuardPolicy


class Draft(Strict):
    """What would be sent to the customer."""

    reply: str = Field(min_length=1, max_length=10_000)


AGENT = Agent(
    name="triage_reply",
    description="Drafts the reply to a support ticket.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    answer=Draft,
    checks=[complete],
    route=["openai:gpt-4.1-mini", "anthropic:claude-haiku-4-5"],
    max_output_tokens=1_500,
    guards=GuardPolicy(task_source="outside"),
    limits=Limits(steps=4, tokens=30_000, cost_usd=Decimal("0.05"), wall_clock_s=600),
)
