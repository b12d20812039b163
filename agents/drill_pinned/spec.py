"""The drill agent, pinned: what a rolling deploy does to its runs is drilled with it."""

from dataclasses import replace

from agents.drill.spec import AGENT as DRILL
from agents.toolkit import Agent, prompt

AGENT: Agent = replace(
    DRILL,
    name="drill_pinned",
    description="Failure drills: as `drill`, and its runs stay with the build they began with.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    pinned=True,
)
