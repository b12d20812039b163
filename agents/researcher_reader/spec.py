"""The specialist that reads: document by document, where a search by words does not help."""

from decimal import Decimal

from agents.reading.checks import CHECKS
from agents.reading.policies import UNATTENDED
from agents.reading.tools import COLLECTION, list_documents, read_passages
from agents.toolkit import Agent, prompt
from domain.budget import Limits
from domain.research import Evidence

AGENT = Agent(
    name="researcher_reader",
    description="Finds quotations by reading the documents whose names promise most.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[list_documents, read_passages],
    answer=Evidence,
    checks=CHECKS,
    approvals=UNATTENDED,
    limits=Limits(steps=25, tokens=600_000, cost_usd=Decimal(1)),
    max_output_tokens=6_000,
    inputs=(COLLECTION,),
)
