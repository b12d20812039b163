"""The triage agent: a classifier, and the two tools that the triage's own workflow runs."""

from decimal import Decimal

from pydantic import Field

from agents.toolkit import Agent, prompt
from agents.triage.tools import lookup_account, send_reply
from domain.budget import Limits
from domain.contract import Strict
from domain.guard import GuardPolicy


class Classified(Strict):
    """A ticket's category; the names come from the taxonomy of each triage."""

    category: str
    confidence: float = Field(ge=0, le=1)


AGENT = Agent(
    name="triage",
    description="Sorts a support ticket into a fixed set of categories.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    workflow_tools=[lookup_account, send_reply],
    answer=Classified,
    # Models that reason refuse to say how probable their words are; these do not.
    route=["openai:gpt-4.1-mini", "anthropic:claude-haiku-4-5"],
    logprobs=True,
    max_output_tokens=200,
    temperature=0,
    # A ticket is a stranger's. Its reply can go to that ticket and to nobody else, whatever the
    # model says, and it is routed, sampled and reviewed; so what stands for it counts.
    guards=GuardPolicy(task_source="outside", tainted_writes_allowed=("send_reply",)),
    limits=Limits(steps=4, tokens=30_000, cost_usd=Decimal("0.05"), wall_clock_s=600),
)
