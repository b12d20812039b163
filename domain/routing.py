"""Which model a call goes to: by what it is for, by the budget left, by who may read the data.

A route is a list of models, each `provider:model`, tried in order. Some have names: `small`,
`large` and whatever else the operator sets. A run takes over what the names stand for when it
resolves its agent, so that an edit never changes a run under way.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from pydantic import Field

from domain.contract import Contract

SMALL: Final = "small"
LARGE: Final = "large"
OWN: Final = "own"
"""The agent's own route; no operator can give another the name."""
LOCAL: Final = "local"
"""The provider whose endpoint is the operator's own; a private agent's data goes nowhere else."""
PROVIDERS: Final = frozenset({"openai", "anthropic", LOCAL})

ROUTES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        SMALL: ("openai:gpt-5-nano", "anthropic:claude-haiku-4-5"),
        LARGE: ("openai:gpt-5.1", "anthropic:claude-sonnet-4-5"),
    }
)
"""What the names stand for where the operator does not say."""

# Reasoning stays with the agent's own model; what reads, sorts or condenses does not need it.
_PURPOSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "turn": OWN,
        "plan": OWN,
        "critic": LARGE,
        "summary": SMALL,
        "claims": SMALL,
        "verify": SMALL,
        "classification": SMALL,
        "parsing": SMALL,
    }
)


class RoutingPolicy(Contract):
    """How a run chooses the model of each call.

    Attributes:
        purposes: Route by purpose, over the usual one: `turn` and `plan` go to the agent's own
            route, `critic` to `large`, `summary`, `claims`, `verify`, `classification` and
            `parsing` to `small`, any other to the agent's own.
        small_below: Share of the budget, 0 to 1: with less left every call goes to `small`; 0
            for never.
        attempts: Attempts at one model before the next is asked; the last has them all. A key
            that is refused, a used-up quota or a paused provider is left at once.
        back_after_s: Seconds after which a model that was left is asked again, with one attempt;
            0 for never.
        routes: Models of each named route. Set when a run resolves its agent.
    """

    purposes: dict[str, str] = Field(default_factory=dict)
    small_below: float = Field(default=0, ge=0, le=1)
    attempts: int = Field(default=3, ge=1)
    back_after_s: float = Field(default=300, ge=0)
    routes: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    def route_of(self, purpose: str, left: float = 1) -> str:
        """Return the name of the route for a call.

        Args:
            purpose: What the call is for.
            left: Share of the budget that is left, 0 to 1.
        """
        if left < self.small_below and self.routes.get(SMALL):
            return SMALL
        name = self.purposes.get(purpose) or _PURPOSES.get(purpose, OWN)
        return name if self.routes.get(name) else OWN

    def models(self, route: str, own: tuple[str, ...]) -> tuple[str, ...]:
        """Return the models of `route`; those of the agent's own where it has none."""
        return self.routes.get(route) or own

    def resolved(self, named: Mapping[str, tuple[str, ...]], *, private: bool) -> "RoutingPolicy":
        """Return the policy with what the names stand for.

        Of a private agent's routes the local models remain; where there are none, calls go to
        its own route.
        """
        routes = {
            name: tuple(model for model in models if may_read(model, private=private))
            for name, models in named.items()
        }
        kept = {name: models for name, models in routes.items() if models}
        return self.model_copy(update={"routes": kept})


class Fallen(Contract):
    """Where a route has come to.

    Attributes:
        model: Index of the model that is asked now.
        since: When the first one was left, or last asked in vain.
        probing: The first one is asked again; if it fails, `model` goes on.
    """

    model: int = 0
    since: datetime
    probing: bool = False

    def due(self, now: datetime, back_after_s: float) -> bool:
        """Whether the first model is to be asked again."""
        return bool(back_after_s) and now - self.since >= timedelta(seconds=back_after_s)


def provider_of(model: str) -> str:
    """Return the provider in `provider:model`."""
    return model.partition(":")[0]


def may_read(model: str, *, private: bool) -> bool:
    """Whether a model may be sent an agent's data: a private agent's stays on the local one."""
    return not private or provider_of(model) == LOCAL


def at_home(models: tuple[str, ...], own: tuple[str, ...], *, private: bool) -> tuple[str, ...]:
    """Return the models that may be asked; where none may, the agent's own, which may."""
    return tuple(model for model in models if may_read(model, private=private)) or own


def apart(private: str, other: str) -> str:
    """Return why two agents cannot take part in one run, which hands on what they find.

    Args:
        private: Name of a private agent that takes part; empty for none.
        other: Name of one that is not private; empty for none.
    """
    if not (private and other):
        return ""
    return (
        f"agent {private!r} is private and {other!r} is not, so its data would leave the {LOCAL} "
        "endpoint; make both private, or run them apart"
    )


def expanded(route: Iterable[str], named: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return `route` with the models that its names stand for, each once.

    Raises:
        ValueError: A name stands for nothing, or a model has no provider; says what there is.
    """
    found: dict[str, None] = {}
    for entry in route:
        if ":" not in entry and entry not in named:
            raise ValueError(
                f"route {entry!r} is neither provider:model nor the name of a route; the routes "
                f"are {sorted(named)}: correct it, or name it in the file of routes"
            )
        found |= dict.fromkeys(named.get(entry, (entry,)))
    return tuple(found)


def parse_route(text: str) -> tuple[str, ...]:
    """Read `provider:model,provider:model`, as settings write a route.

    Raises:
        ValueError: Names the part that is none.
    """
    models = tuple(part.strip() for part in text.split(",") if part.strip())
    for model in models:
        provider, _, name = model.partition(":")
        if provider not in PROVIDERS or not name:
            raise ValueError(
                f"{model!r} is no model of a route: expected provider:model with a provider of "
                f"{sorted(PROVIDERS)}"
            )
    if not models:
        raise ValueError("a route needs a model, for example openai:gpt-5-nano")
    return models
