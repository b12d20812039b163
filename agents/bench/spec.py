"""The bench agent: long runs with results of a known size, with no limit in the way."""

from decimal import Decimal

from agents.bench.tools import lookup
from agents.toolkit import Agent, prompt
from domain.budget import Limits

AGENT = Agent(
    name="bench",
    description="Measures the loop: calls lookup a set number of times.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[lookup],
    route=["openai:gpt-5-mini", "anthropic:claude-haiku-4-5"],
    window=None,
    limits=Limits(steps=100_000, tokens=10**12, cost_usd=Decimal(10_000_000), wall_clock_s=86_400),
)
