"""Budgets that are reserved before they are spent, so that a cap is never exceeded."""

from decimal import Decimal

from pydantic import Field

from domain.contract import Contract, Strict

NOTHING = Decimal(0)


class Limits(Strict):
    """What a run may use. Time that it waits for a person does not count as wall clock."""

    steps: int = Field(default=30, ge=1, description="Model calls.")
    tokens: int = Field(default=100_000, ge=1, description="Input and output tokens together.")
    cost_usd: Decimal = Field(default=Decimal("0.50"), ge=0)
    wall_clock_s: float = Field(default=1200, gt=0, description="Seconds of work.")


class LimitsOverride(Strict):
    """The limits that the starter of a run sets; what is left out is the agent's."""

    steps: int | None = Field(default=None, ge=1)
    tokens: int | None = Field(default=None, ge=1)
    cost_usd: Decimal | None = Field(default=None, ge=0)
    wall_clock_s: float | None = Field(default=None, gt=0)

    def over(self, limits: Limits) -> Limits:
        """Return `limits` with the ones that are set here in their place."""
        return limits.model_copy(update=self.model_dump(exclude_none=True))

    def plus(self, extra: "Extra") -> "LimitsOverride":
        """Return these limits with `extra` on top of tokens and money."""
        more: dict[str, object] = {}
        if self.tokens is not None:
            more["tokens"] = self.tokens + extra.tokens
        if self.cost_usd is not None:
            more["cost_usd"] = self.cost_usd + extra.cost_usd
        return self.model_copy(update=more)

    def under(self, limits: Limits) -> Limits:
        """Return `limits` with none of them above what is set here."""
        lower = {
            name: most
            for name, most in self.model_dump(exclude_none=True).items()
            if most < getattr(limits, name)
        }
        return limits.model_copy(update=lower)


class Usage(Contract):
    """Tokens of one model call, as the provider counted them.

    Attributes:
        input_tokens: All that the model read.
        cached_tokens: Of these, read from the provider's prompt cache, which costs less.
        cache_written_tokens: Of these, written to it, which may cost more.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_written_tokens: int = 0

    @property
    def total(self) -> int:
        """Tokens that count against a budget."""
        return self.input_tokens + self.output_tokens


class Spend(Contract):
    """What has been used: settled calls, plus lost attempts at their whole reservation."""

    steps: int = 0
    tokens: int = 0
    cost_usd: Decimal = NOTHING
    lost_tokens: int = 0
    lost_cost_usd: Decimal = NOTHING

    def plus(self, *, steps: int = 0, tokens: int = 0, cost_usd: Decimal = NOTHING) -> "Spend":
        """Return the spend after a settled call."""
        return self.model_copy(
            update={
                "steps": self.steps + steps,
                "tokens": self.tokens + tokens,
                "cost_usd": self.cost_usd + cost_usd,
            }
        )

    def plus_lost(self, tokens: int, cost_usd: Decimal) -> "Spend":
        """Return the spend after attempts that may have been billed and left no answer."""
        return self.plus(tokens=tokens, cost_usd=cost_usd).model_copy(
            update={
                "lost_tokens": self.lost_tokens + tokens,
                "lost_cost_usd": self.lost_cost_usd + cost_usd,
            }
        )

    def joined(self, other: "Spend") -> "Spend":
        """Return both together."""
        return Spend(
            steps=self.steps + other.steps,
            tokens=self.tokens + other.tokens,
            cost_usd=self.cost_usd + other.cost_usd,
            lost_tokens=self.lost_tokens + other.lost_tokens,
            lost_cost_usd=self.lost_cost_usd + other.lost_cost_usd,
        )

    def exhausted(self, limits: Limits) -> str:
        """Return the name of the limit that leaves no room for another call, or nothing."""
        if self.steps >= limits.steps:
            return "steps"
        if self.tokens >= limits.tokens:
            return "tokens"
        if limits.cost_usd and self.cost_usd >= limits.cost_usd:
            return "cost_usd"
        return ""

    def share(self, limits: Limits) -> float:
        """Return the largest used fraction over all limits, 0 to 1."""
        parts = [self.steps / limits.steps, self.tokens / limits.tokens]
        if limits.cost_usd:
            parts.append(float(self.cost_usd / limits.cost_usd))
        return max(parts)


class Extra(Contract):
    """Budget that a run asks for beyond its share, or is granted; nothing granted is a no."""

    run_id: str
    tokens: int = Field(default=0, ge=0)
    cost_usd: Decimal = Field(default=NOTHING, ge=0)


class Cap(Contract):
    """What one more model call may use at most; sent with the call and enforced before it."""

    tokens: int
    cost_usd: Decimal


class Pool:
    """A budget that several runs draw shares from: what is reserved is never there twice.

    A share is the most its run may use; what it did not use comes back when it is settled.
    """

    def __init__(self, tokens: int, cost_usd: Decimal, *, used: "Spend | None" = None) -> None:
        self._tokens = tokens - (used.tokens if used else 0)
        self._cost_usd = cost_usd - (used.cost_usd if used else NOTHING)
        self.reserved = 0

    def fits(self, share: Limits) -> bool:
        """Whether `share` could be reserved now."""
        return share.tokens <= self._tokens and share.cost_usd <= self._cost_usd

    def reserve(self, share: Limits) -> bool:
        """Take `share` out of the pool; False, and nothing is taken, where it does not fit."""
        if not self.fits(share):
            return False
        self._tokens -= share.tokens
        self._cost_usd -= share.cost_usd
        self.reserved += 1
        return True

    def settle(self, share: Limits, used: Spend | None) -> None:
        """Put back what of `share` was not used; None: unknown, so all of it was."""
        self.reserved -= 1
        if used is not None:
            self._tokens += share.tokens - used.tokens
            self._cost_usd += share.cost_usd - used.cost_usd
