"""Reads case notes: what it is told goes to the local endpoint only, and a note is read once."""

from datetime import timedelta

from agents.casenotes.answer import CaseNote
from agents.toolkit import Agent, prompt

AGENT = Agent(
    name="casenotes",
    description="Says what a clinic's case note is about, and how urgent it is.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    answer=CaseNote,
    private=True,
    route=["local:llama3.1:8b"],
    cache=timedelta(days=1),
)
