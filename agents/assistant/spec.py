"""The assistant: it remembers, and what else it can do is lent by the configured MCP servers."""

from agents.toolkit import Agent, prompt
from domain.memory import MemoryPolicy

AGENT = Agent(
    name="assistant",
    description="Does a task with the tools of the MCP servers that are configured for it.",
    prompt=prompt(__file__, "system.v2.0.0.md"),
    memory=MemoryPolicy(),
)
