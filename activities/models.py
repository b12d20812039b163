"""From what a call may ask to the one model that is asked, and what that costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from temporalio.exceptions import ApplicationError

from activities import prices
from activities.heartbeat import beating
from activities.providers import KEYS, Vendors
from activities.providers.base import Provider, ProviderReply
from domain.routing import LOCAL, may_read
from domain.spec import AgentSpec
from domain.thinking import ROUTE_UNUSABLE, ThinkRequest


@dataclass(frozen=True)
class Model:
    """A model that can be asked.

    Attributes:
        name: As routes write it, `provider:model`.
    """

    name: str
    vendor: str
    model: str
    provider: Provider

    @property
    def window(self) -> int:
        """Tokens that it can read at once, as the price library says; 0 where it does not."""
        return prices.window(self.vendor, self.model)

    def worst_case_usd(self, request: ThinkRequest) -> Decimal:
        """Return what a call can cost at most, by the route's price.

        Less than the request's cap, which is all that the run has left: an attempt that is lost
        is charged its reservation, and the next one must still fit.
        """
        output = min(request.max_output_tokens, request.cap.tokens)
        return prices.worst_case_usd(self.name, request.cap.tokens - output, output)

    def cost_usd(self, reply: ProviderReply) -> Decimal:
        """Return the price, by the model that answered, else by the one that was asked.

        The stand-in is priced as the model that it stands in for: a notional price, so that
        budgets and reports are exercised; nothing is charged.
        """
        stand_in = self.provider.stand_in
        for model in (self.model,) if stand_in else (reply.model, self.model):
            try:
                return prices.price_usd(self.vendor, model, reply.usage)
            except prices.UnknownPriceError:
                continue
        return Decimal(0)


class Models:
    """The models that this worker's providers serve."""

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = providers
        # The library builds its tables at first use, half a second that would hold the loop up.
        prices.is_known("openai", "gpt-5-mini")

    async def asked(self, spec: AgentSpec, request: ThinkRequest) -> Model:
        """Return the model that `request` is for.

        Raises:
            ApplicationError: `RouteUnusable`, non-retryable: it cannot be asked, or must not be
                told what a private agent knows.
        """
        name = request.model or _by_place(spec, request)
        vendor, _, model = name.partition(":")
        if not may_read(name, private=spec.private):
            raise unusable(
                f"route {name!r}: agent {spec.name!r} is private, so what it knows goes to the "
                f"{LOCAL} endpoint only; nothing was sent. Correct its route"
            )
        provider = await self._provider(vendor)
        if provider is None and vendor in KEYS:
            lacks = "address" if vendor == LOCAL else "key"
            raise unusable(
                f"route {name!r}: {vendor} has no {lacks}; set {KEYS[vendor]} for the worker, or "
                f"change the route of agent {spec.name!r}"
            )
        if provider is None or not model:
            raise unusable(
                f"route {name!r} of agent {spec.name!r}: expected provider:model with a provider "
                f"of {sorted(KEYS)}"
            )
        priced = provider.stand_in or not spec.limits.cost_usd
        if not priced and not prices.is_known(vendor, model):
            raise unusable(
                f"route {name!r}: no price is known for the model, so its cost cannot be capped; "
                "name a model that genai-prices lists, or set the agent's limits.cost_usd to 0"
            )
        return Model(name, vendor, model, provider)

    async def _provider(self, vendor: str) -> Provider | None:
        providers = self._providers
        if not isinstance(providers, Vendors) or providers.is_made(vendor):
            return providers.get(vendor)
        async with beating():
            return await providers.ready(vendor)


def unusable(reason: str) -> ApplicationError:
    """Return the failure of a route that no further attempt mends."""
    return ApplicationError(reason, type=ROUTE_UNUSABLE, non_retryable=True)


def _by_place(spec: AgentSpec, request: ThinkRequest) -> str:
    routes = (request.aside and request.aside.route) or spec.route
    if not 0 <= request.route < len(routes):
        raise unusable(f"agent {spec.name!r} has no route {request.route}: it has {routes}")
    return routes[request.route]
