"""The repair agent: reads, edits and tests a copy; what is committed a person has seen."""

from decimal import Decimal

from agents.repair.answer import Repair, says_what_it_saw
from agents.repair.commit import repo_commit
from agents.repair.tools import (
    repo_edit,
    repo_list,
    repo_read,
    repo_revert,
    repo_search,
    repo_test,
)
from agents.toolkit import Agent, prompt
from domain.budget import Limits
from domain.guard import GuardPolicy

AGENT = Agent(
    name="repair",
    description="Finds out why a repository's tests fail and mends it, on a working copy.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[repo_list, repo_read, repo_search, repo_test, repo_edit, repo_revert],
    workflow_tools=[repo_commit],
    answer=Repair,
    checks=[says_what_it_saw],
    limits=Limits(steps=60, tokens=600_000, cost_usd=Decimal(2), wall_clock_s=3_600),
    inputs=("repository", "commit", "copy", "place", "test"),
    # What the code says may be a stranger's. Edits change a copy that nobody works with; the exact
    # diff is a person's to approve.
    guards=GuardPolicy(tainted_writes_allowed=("repo_edit", "repo_revert")),
)
