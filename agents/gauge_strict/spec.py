"""The gauge for which silence is a failure: a run of it fails when nobody answers."""

from datetime import timedelta

from agents.gauge.spec import Judged
from agents.gauge.tools import gauge_read, gauge_sign
from agents.toolkit import Agent, prompt
from domain.spec import ApprovalPolicy

AGENT = Agent(
    name="gauge_strict",
    description="Measures: as the gauge, and its runs fail when nobody answers.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[gauge_read, gauge_sign],
    answer=Judged,
    approvals=ApprovalPolicy(timeout=timedelta(seconds=2), silence="fail"),
)
