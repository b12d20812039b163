"""Complaints: answers a letter that the front desk has handed on."""

from agents.toolkit import Agent, prompt

AGENT = Agent(
    name="complaints",
    description="Answers a complaint that was handed on.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
)
