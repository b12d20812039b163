"""The vendors, each behind `base.Provider`; the only place that imports their SDKs."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress

from activities.providers.base import Provider
from domain.routing import LOCAL

KEYS = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    LOCAL: "HOLDFAST_LOCAL_BASE_URL",
}
"""What a vendor is switched on by."""
_OFFLINE_KEY = "offline"


class Vendors(Mapping[str, Provider]):
    """Providers by vendor, made beside the worker's start or when first asked for.

    A vendor's SDK takes half a second to a whole one to import, and a worker that was killed
    would go on that much later: so it asks for work first, and imports nothing in vain.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Provider]], soon: Iterable[str]) -> None:
        self._makers = dict(makers)
        self._made: dict[str, Provider] = {}
        self._making = threading.Lock()
        threading.Thread(target=self._make, args=(tuple(soon),), daemon=True).start()

    def _make(self, vendors: Iterable[str]) -> None:
        for vendor in vendors:
            with suppress(Exception):  # whoever asks for it is told
                _ = self[vendor]

    def __getitem__(self, vendor: str) -> Provider:
        if (made := self._made.get(vendor)) is not None:
            return made
        make = self._makers[vendor]
        with self._making:
            if vendor not in self._made:
                self._made[vendor] = make()
            return self._made[vendor]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def is_made(self, vendor: str) -> bool:
        """Whether asking for a provider takes no time."""
        return vendor in self._made or vendor not in self._makers

    async def ready(self, vendor: str) -> Provider | None:
        """Return a provider, made in a thread; None: it is not served.

        A run comes to its second vendor in the middle of an activity: an import on the event
        loop would keep every heartbeat back until the server takes the worker for dead, and the
        reply would be bought twice.
        """
        return await asyncio.to_thread(self.get, vendor)

    def made(self) -> list[Provider]:
        """Return the ones that exist."""
        return list(self._made.values())


def build(
    *,
    openai_api_key: str = "",
    openai_base_url: str | None = None,
    anthropic_api_key: str = "",
    anthropic_base_url: str | None = None,
    local_api_key: str = "",
    local_base_url: str | None = None,
    offline_url: str = "",
) -> Vendors:
    """Return the providers that can serve, by vendor.

    With no key at all the offline model serves every vendor, at `offline_url` (scheme and
    authority); with one key, the vendor without one is left out, and a route to it is refused.
    The operator's own endpoint serves where it has an address, and needs no key.

    Raises:
        ValueError: There is neither a key nor an offline model.
    """
    built: dict[str, Callable[[], Provider]] = {}
    own: dict[str, Callable[[], Provider]] = {}
    if local_base_url:
        own[LOCAL] = lambda: _openai(local_api_key or _OFFLINE_KEY, local_base_url, local=True)
    if openai_api_key:
        built["openai"] = lambda: _openai(openai_api_key, openai_base_url)
    if anthropic_api_key:
        built["anthropic"] = lambda: _anthropic(anthropic_api_key, anthropic_base_url)
    if built:
        return Vendors(built | own, soon=built)
    if not offline_url:
        raise ValueError(
            "no model can serve: set OPENAI_API_KEY or ANTHROPIC_API_KEY, or start the offline "
            "model (python -m runtime.offline) and give its address"
        )
    url = offline_url.rstrip("/")
    return Vendors(
        {
            "openai": lambda: _openai(_OFFLINE_KEY, f"{url}/v1", stand_in=True),
            "anthropic": lambda: _anthropic(_OFFLINE_KEY, url, stand_in=True),
            LOCAL: lambda: _openai(_OFFLINE_KEY, f"{url}/local/v1", stand_in=True, local=True),
            **own,
        },
        soon=["openai"],  # what an agent is routed to where it does not say
    )


def _openai(
    key: str, base_url: str | None, *, stand_in: bool = False, local: bool = False
) -> Provider:
    from activities.providers.openai import OpenAIProvider  # noqa: PLC0415 - see `Vendors`

    return OpenAIProvider(key, base_url=base_url, stand_in=stand_in, local=local)


def _anthropic(key: str, base_url: str | None, *, stand_in: bool = False) -> Provider:
    from activities.providers.anthropic import AnthropicProvider  # noqa: PLC0415 - see `Vendors`

    return AnthropicProvider(key, base_url=base_url, stand_in=stand_in)


async def close(providers: Mapping[str, Provider]) -> None:
    """Close every provider's connections."""
    made = providers.made() if isinstance(providers, Vendors) else providers.values()
    for provider in made:
        await provider.close()
