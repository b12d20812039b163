"""The logbook reader: hundreds of pages through a window of fifteen messages."""

from decimal import Decimal

from pydantic import Field

from agents.logbook.checks import is_written
from agents.logbook.tools import read_page
from agents.toolkit import Agent, prompt
from domain.budget import Limits
from domain.contract import Strict
from domain.window import WindowPolicy


class Answer(Strict):
    """What the logbook says."""

    answer: str = Field(min_length=1, max_length=2_000)
    page: int | None = None


class Reading(Strict):
    """What the reader must not lose."""

    page: int | None = Field(default=None, description="The last page that you have read.")
    question: str | None = Field(default=None, max_length=500)


AGENT = Agent(
    name="logbook",
    description="Reads a logbook page by page and answers a question about it.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[read_page],
    answer=Answer,
    checks=[is_written],
    inputs=["logbook"],
    window=WindowPolicy(messages=15, tokens=8_000, keep=6, manifest_bytes=4_000),
    memory_fields=Reading,
    limits=Limits(steps=3_000, tokens=10_000_000, cost_usd=Decimal(10), wall_clock_s=14_400),
)
