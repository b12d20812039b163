"""The gauge: answers with a class and how sure it is, asks, fails and stops as its task says."""

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, Field

from agents.gauge.checks import not_a_draft
from agents.gauge.tools import gauge_read, gauge_sign, gauge_stop
from agents.rules import at_most
from agents.toolkit import Agent, prompt
from domain.budget import Limits
from domain.loops import LoopPolicy
from domain.selfcheck import EscalationPolicy
from domain.spec import ApprovalPolicy


class Judged(BaseModel):
    """What the gauge answers."""

    decision: Literal["pay", "refuse", "ask"]
    urgent: bool
    confidence: float = Field(ge=0, le=1)
    note: str = ""


AGENT = Agent(
    name="gauge",
    description="Measures: does what its task says, so that every number has a cause.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[gauge_read, gauge_stop, gauge_sign],
    answer=Judged,
    checks=[not_a_draft],
    revisions=0,
    escalation=EscalationPolicy(route=("openai:gpt-5",)),
    rules=[at_most("gauge_read", 1, per="item")],
    # Nobody need wait long for a measurement.
    approvals=ApprovalPolicy(timeout=timedelta(seconds=15), silence="escalate"),
    loops=LoopPolicy(ladder=("nudge",)),
    cache=timedelta(hours=1),
    logprobs=True,
    limits=Limits(steps=20, tokens=200_000),
)
