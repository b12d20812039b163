"""The agent that measures turns: its calls go through the queue of its provider."""

from decimal import Decimal

from agents.toolkit import Agent, prompt
from domain.budget import Limits

AGENT = Agent(
    name="bench_shared",
    description="Measures how tenants take turns: one model call on a shared queue.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    shared_route=True,
    limits=Limits(steps=100, tokens=10**9, cost_usd=Decimal(100_000), wall_clock_s=86_400),
)
"""Serve its queue with `worker.py --queues llm.openai`."""
