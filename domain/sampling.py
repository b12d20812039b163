"""The daily sample: decisions that nobody has seen, drawn for a person to review."""

from pydantic import Field

from domain.contract import Contract
from domain.runs import Request, RunResult


class SamplingRequest(Request):
    """Takes decisions of one day at random, for a person to review.

    Attributes:
        day: As 2026-01-31, in UTC; empty for the day before the run starts.
        size: How many; a day never has more.
    """

    day: str = ""
    size: int = Field(default=20, ge=1, le=1_000)


class Sample(Contract):
    """Take decisions of `day`; the same seed takes the same."""

    tenant: str
    day: str
    size: int
    seed: int


class Drawn(Contract):
    """How many decisions were drawn now, and in all for the day."""

    taken: int = 0
    total: int = 0


class Sampled(RunResult):
    """What was taken.

    Attributes:
        taken: New ones.
        total: With those that were taken before, for the same day.
    """

    day: str = ""
    taken: int = 0
    total: int = 0
