"""The mail room's reader: it has nothing to write with."""

from agents.mailroom.tools import read_letter
from agents.toolkit import Agent, prompt
from domain.guard import GuardPolicy

AGENT = Agent(
    name="mailroom_reader",
    description="Reads a letter and tells what it says.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[read_letter],
    inputs=["letters"],
    guards=GuardPolicy(injection="withhold"),
)
