"""The worker of the drills: what it does is written in its task, so each end can be seen."""

from typing import Literal

from pydantic import Field

from agents.drill.tools import drill_pay
from agents.toolkit import prompt
from agents.workers import Worker
from domain.budget import Limits
from domain.contract import Strict


class DrillTask(Strict):
    """What is to be acted out.

    Attributes:
        after: Outputs that it waits for; it does nothing with them.
    """

    name: str = Field(min_length=1, max_length=100)
    account: str = ""
    fails: int = Field(default=0, ge=0, description="Attempts that fail before one succeeds.")
    asks: bool = Field(default=False, description="Ask a person before anything else.")
    pays: str = Field(default="", description="An item to pay for, in a drill's folder.")
    seconds: float = Field(default=0, ge=0, le=600, description="How long its model takes.")
    after: "DrillDone | None" = None


class DrillDone(Strict):
    """What came of it."""

    name: str
    account: str
    attempt: int = Field(description="Which attempt it was, from 1.")
    told: str = Field(description="What a person answered; empty where nobody was asked.")
    paid: Literal["", "paid"] = ""


DrillTask.model_rebuild()

AGENT = Worker(
    name="drill_worker",
    description="Drills: fails, asks a person or succeeds, as its task says.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[drill_pay],
    takes=DrillTask,
    gives=DrillDone,
    limits=Limits(steps=6, tokens=40_000),
)
