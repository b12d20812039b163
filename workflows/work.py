"""What the parts of one agent's run share: what was asked, what is remembered, who is asked."""

from dataclasses import dataclass

from temporalio import workflow

from workflows.desk import Desk

with workflow.unsafe.imports_passed_through():
    from domain.run import AgentRequest
    from domain.spec import AgentSpec
    from domain.state import AgentState


@dataclass(frozen=True)
class Work:
    """One agent's work.

    Attributes:
        request: What started the run.
        state: All that it remembers; it changes.
        spec: The agent as it was when the run began.
        desk: Where people are asked.
    """

    request: AgentRequest
    state: AgentState
    spec: AgentSpec
    desk: Desk
