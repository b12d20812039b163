"""The assistant: no tools of its own; what it can do is lent by the configured MCP servers."""

from agents.toolkit import Agent, prompt

AGENT = Agent(
    name="assistant",
    description="Does a task with the tools of the MCP servers that are configured for it.",
    prompt=prompt(__file__, "system.v1.md"),
)
