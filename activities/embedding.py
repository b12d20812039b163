"""The embedding model that the settings name, made when it is first asked for.

A vendor's SDK takes half a second to import, which a worker that takes up lost runs cannot spare.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from domain.memory import Vector
from domain.routing import LOCAL

if TYPE_CHECKING:
    from activities.providers.embeddings import OpenAIEmbedder

Used = Callable[[str, str, int], None]
"""Told the vendor, the model and the tokens of a request that was answered."""

_OFFLINE_KEY: Final = "offline"


class LateEmbedder:
    """An embedder that is imported at its first use.

    Attributes:
        local: Its server is the operator's own, where private agents' words may go.
    """

    def __init__(
        self,
        name: str,
        *,
        key: str = "",
        base_url: str | None = None,
        offline_url: str = "",
        used: Used | None = None,
    ) -> None:
        self.local = name.startswith(f"{LOCAL}:")
        self._name = name
        self._key, self._base_url, self._offline_url = key, base_url, offline_url
        self._used = used
        self._made: OpenAIEmbedder | None = None

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector of length one for each text, in the same order.

        Raises:
            ProviderError: There is none.
        """
        if self._made is None:
            made = await asyncio.to_thread(self._make)
            self._made = self._made or made
        return await self._made.embed(texts)

    async def close(self) -> None:
        """Close the connections, if there are any."""
        if self._made is not None:
            await self._made.close()

    def _make(self) -> "OpenAIEmbedder":
        from activities.providers.embeddings import OpenAIEmbedder  # noqa: PLC0415 - see above

        reachable = self._key or (self.local and self._base_url)
        if not reachable and self._offline_url:
            path = "/local/v1" if self.local else "/v1"
            url = self._offline_url.rstrip("/") + path
            return OpenAIEmbedder(
                self._name, _OFFLINE_KEY, base_url=url, stand_in=True, used=self._used
            )
        key = self._key or _OFFLINE_KEY
        return OpenAIEmbedder(self._name, key, base_url=self._base_url, used=self._used)
