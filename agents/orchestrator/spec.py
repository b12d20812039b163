"""The orchestrator: it plans and routes, and there is nothing that it could execute."""

from agents.orchestrator.checks import plan_can_be_followed
from agents.toolkit import Agent, prompt
from domain.budget import Limits
from domain.goals import Planned
from domain.orchestration import ORCHESTRATOR

AGENT = Agent(
    name=ORCHESTRATOR,
    description="Plans the tasks of a goal and gives each to a worker.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    answer=Planned,
    checks=[plan_can_be_followed],
    # Three times what is wrong goes back to the model, then to a person.
    revisions=3,
    max_output_tokens=6_000,
    limits=Limits(steps=8),
)
