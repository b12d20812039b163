"""What a model call costs, from the kept price library's bundled table; nothing is downloaded."""

from decimal import Decimal
from functools import cache

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price

from domain.budget import Usage
from domain.routing import LOCAL


class UnknownPriceError(LookupError):
    """The price library does not know the model."""


def price_usd(vendor: str, model: str, usage: Usage) -> Decimal:
    """Return the price of a call.

    Raises:
        UnknownPriceError: The library has no price for `model`.
    """
    if vendor == LOCAL:
        return Decimal(0)  # nobody sends a bill for it
    read = min(usage.cached_tokens, usage.input_tokens)
    counted = PricedUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=read,
        cache_write_tokens=min(usage.cache_written_tokens, usage.input_tokens - read),
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


@cache
def window(vendor: str, model: str) -> int:
    """Return how many tokens a model can read at once; 0 where that is not known."""
    try:
        found = calc_price(PricedUsage(), model, provider_id=vendor)
    except LookupError:
        return 0
    return found.model.context_window or 0


def worst_case_usd(route: str, input_tokens: int, output_tokens: int) -> Decimal:
    """Return what a call over `route` (`provider:model`) can cost at most; 0 without a price.

    Every input token is taken at the price of one that is written to the provider's cache,
    where that is more than the full price, and none as if it were read from it.
    """
    vendor, _, model = route.partition(":")
    if not is_known(vendor, model):
        return Decimal(0)
    fresh = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    written = fresh.model_copy(update={"cache_written_tokens": input_tokens})
    return max(price_usd(vendor, model, fresh), price_usd(vendor, model, written))
