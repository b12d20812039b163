"""The extracting agent: one document, a set of fields, nothing that it could change."""

from decimal import Decimal

from agents.extract.tools import read_document
from agents.toolkit import Agent, prompt
from domain.budget import Limits

AGENT = Agent(
    name="extract",
    description="Takes the fields of a schema out of one document, each with its quote.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[read_document],
    max_output_tokens=4_000,
    limits=Limits(steps=12, tokens=300_000, cost_usd=Decimal("0.20"), wall_clock_s=900),
    pinned=True,
)
