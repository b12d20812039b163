"""The specialist that searches: by words, in the index of the documents."""

from agents.reading.checks import CHECKS
from agents.reading.policies import UNATTENDED
from agents.reading.tools import COLLECTION, read_passages, search_passages
from agents.toolkit import Agent, prompt
from domain.budget import Limits
from domain.research import Evidence

AGENT = Agent(
    name="researcher_search",
    description="Finds quotations in the documents that bear on one aspect, by full-text search.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[search_passages, read_passages],
    answer=Evidence,
    checks=CHECKS,
    approvals=UNATTENDED,
    limits=Limits(steps=12, tokens=300_000),
    max_output_tokens=6_000,
    inputs=(COLLECTION,),
)
