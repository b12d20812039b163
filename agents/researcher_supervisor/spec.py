"""The supervisor of a research: it plans and decides, and never searches or writes itself."""

from agents.reading.policies import UNATTENDED
from agents.researcher_supervisor.checks import CHECKS
from agents.toolkit import Agent, prompt
from domain.budget import Limits
from domain.research import SupervisorAnswer

AGENT = Agent(
    name="researcher_supervisor",
    description="Breaks a question into sub-tasks for specialists, and decides on failures.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    answer=SupervisorAnswer,
    checks=CHECKS,
    approvals=UNATTENDED,
    limits=Limits(steps=6, tokens=120_000),
)
