"""The vendors, each behind `base.Provider`; the only place that imports their SDKs."""

from collections.abc import Mapping

from activities.providers.base import Provider

KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
_OFFLINE_KEY = "offline"


def build(
    *,
    openai_api_key: str = "",
    openai_base_url: str | None = None,
    anthropic_api_key: str = "",
    anthropic_base_url: str | None = None,
    offline_url: str = "",
) -> dict[str, Provider]:
    """Return the providers that can serve, by vendor.

    With no key at all the offline model serves every vendor, at `offline_url` (scheme and
    authority); with one key, the vendor without one is left out, and a route to it is refused.

    Raises:
        ValueError: There is neither a key nor an offline model.
    """
    # Here and not above: the SDKs take a second to import, and `base` needs neither.
    from activities.providers.anthropic import AnthropicProvider  # noqa: PLC0415
    from activities.providers.openai import OpenAIProvider  # noqa: PLC0415

    built: dict[str, Provider] = {}
    if openai_api_key:
        built["openai"] = OpenAIProvider(openai_api_key, base_url=openai_base_url)
    if anthropic_api_key:
        built["anthropic"] = AnthropicProvider(anthropic_api_key, base_url=anthropic_base_url)
    if built:
        return built
    if not offline_url:
        raise ValueError(
            "no model can serve: set OPENAI_API_KEY or ANTHROPIC_API_KEY, or start the offline "
            "model (python -m runtime.offline) and give its address"
        )
    url = offline_url.rstrip("/")
    return {
        "openai": OpenAIProvider(_OFFLINE_KEY, base_url=f"{url}/v1", stand_in=True),
        "anthropic": AnthropicProvider(_OFFLINE_KEY, base_url=url, stand_in=True),
    }


async def close(providers: Mapping[str, Provider]) -> None:
    """Close every provider's connections."""
    for provider in providers.values():
        await provider.close()
