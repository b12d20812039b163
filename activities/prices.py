"""What a model call costs, from the kept price library's bundled table; nothing is downloaded."""

from decimal import Decimal
from functools import cache

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price

from domain.budget import Usage


class UnknownPriceError(LookupError):
    """The price library does not know the model."""


def price_usd(vendor: str, model: str, usage: Usage) -> Decimal:
    """Return the price of a call.

    Raises:
        UnknownPriceError: The library has no price for `model`.
    """
    counted = PricedUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=min(usage.cached_tokens, usage.input_tokens),
    )
    try:
        return calc_price(counted, model, provider_id=vendor).total_price
    except LookupError:
        raise UnknownPriceError(
            f"no price is known for model {model!r} of {vendor!r}: name a model that genai-prices "
            "lists, or set the agent's limits.cost_usd to 0, which caps tokens and not money"
        ) from None


@cache
def is_known(vendor: str, model: str) -> bool:
    """Whether a call of `model` can be priced."""
    try:
        price_usd(vendor, model, Usage(input_tokens=1, output_tokens=1))
    except UnknownPriceError:
        return False
    return True


def worst_case_usd(route: str, input_tokens: int, output_tokens: int) -> Decimal:
    """Return what a call over `route` (`provider:model`) can cost at most; 0 without a price.

    Every input token is taken at the full price, as if none came from a cache.
    """
    vendor, _, model = route.partition(":")
    if not is_known(vendor, model):
        return Decimal(0)
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    return price_usd(vendor, model, usage)
