"""When most of a budget is used: what is told, what follows, and what a person may grant."""

from decimal import Decimal
from typing import Final, Literal

from pydantic import Field

from domain.budget import NOTHING, Limits, Spend
from domain.contract import Contract, Strict

NearLimit = Literal["none", "person", "simplify", "decline"]

ALERT_AT: Final = 0.8
_MOST: Final = 10**9


class Near(Contract):
    """Most of a budget is used.

    Attributes:
        budget: Which: `steps`, `tokens`, `cost_usd` or `wall_clock_s`.
        share: So much of it, 1 for all.
        then: What was declared to follow.
        turn: Model calls that the run had made.
        done: What was declared has followed.
    """

    budget: str
    share: float
    then: NearLimit
    turn: int
    done: bool = False

    @property
    def said(self) -> str:
        """In words."""
        names = {"steps": "model calls", "cost_usd": "money", "wall_clock_s": "time"}
        return f"{self.share:.0%} of its {names.get(self.budget, self.budget)}"


class Given(Strict):
    """What a person has granted a run beyond its limits."""

    steps: int = Field(default=0, ge=0, le=_MOST)
    tokens: int = Field(default=0, ge=0, le=_MOST)
    cost_usd: Decimal = Field(default=NOTHING, ge=0, le=_MOST)
    wall_clock_s: float = Field(default=0, ge=0, le=_MOST)

    def on(self, limits: Limits) -> Limits:
        """Return `limits` with it on top; money that is not limited stays so."""
        return Limits(
            steps=limits.steps + self.steps,
            tokens=limits.tokens + self.tokens,
            cost_usd=limits.cost_usd + self.cost_usd if limits.cost_usd else NOTHING,
            wall_clock_s=limits.wall_clock_s + self.wall_clock_s,
        )

    def plus(self, more: "Given") -> "Given":
        """Return both together."""
        return Given(
            steps=self.steps + more.steps,
            tokens=self.tokens + more.tokens,
            cost_usd=self.cost_usd + more.cost_usd,
            wall_clock_s=self.wall_clock_s + more.wall_clock_s,
        )

    @classmethod
    def half(cls, limits: Limits) -> "Given":
        """Return half as much again, which is what a person is asked for."""
        return cls(
            steps=(limits.steps + 1) // 2,
            tokens=(limits.tokens + 1) // 2,
            cost_usd=limits.cost_usd / 2,
            wall_clock_s=limits.wall_clock_s / 2,
        )


class Course(Contract):
    """Where a run stands with its budgets.

    Attributes:
        near: The last alert.
        given: What a person has granted beyond its limits.
        simplified: It was told to answer with what it has; no tool is called any more.
    """

    near: Near | None = None
    given: Given = Given()
    simplified: bool = False


def nearest(spend: Spend, limits: Limits, worked_s: float) -> tuple[str, float]:
    """Return the budget of which most is used, and how much of it."""
    shares = {
        "steps": spend.steps / limits.steps,
        "tokens": spend.tokens / limits.tokens,
        "wall_clock_s": worked_s / limits.wall_clock_s,
    }
    if limits.cost_usd:
        shares["cost_usd"] = float(spend.cost_usd / limits.cost_usd)
    budget = max(shares, key=lambda name: shares[name])
    return budget, shares[budget]
