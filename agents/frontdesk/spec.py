"""The front desk: answers letters, asks the refunds agent, leaves complaints to others."""

from agents.frontdesk.tasks import ask_refunds, hand_to_complaints
from agents.toolkit import Agent, prompt

AGENT = Agent(
    name="frontdesk",
    description="Answers a customer's letter; asks for refunds, and hands complaints on.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[ask_refunds, hand_to_complaints],
    inputs=["orders"],
)
