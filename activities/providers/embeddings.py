"""OpenAI's embeddings, and every server that is compatible with them: texts into vectors."""

import math
from collections.abc import Callable, Sequence
from typing import Final

import openai
from openai.types import CreateEmbeddingResponse

from activities.providers import failures
from activities.providers.base import ProviderError
from activities.providers.client import options
from activities.providers.openai import ERRORS
from domain.memory import Vector
from domain.routing import LOCAL

STAND_IN: Final = "offline stand-in for "
# A reply of 32 vectors stays well under what the transport lets through, at any usual size.
_BATCH: Final = 32
# Vectors of these models may be shortened; a third of their numbers finds nearly the same.
_SHORTENS: Final = "text-embedding-3"
_DIMENSIONS: Final = 512
_TIMEOUT_S: Final = 8.0  # a search waits for it, and goes on without


class OpenAIEmbedder:
    """Embeddings with the vendor's own SDK; its retries are off, a search does not wait for them.

    Args:
        name: `provider:model`, for example `openai:text-embedding-3-small`.
        api_key: The account's.
        base_url: Of a server that is not the vendor's.
        stand_in: The offline model answers. Its vectors bear another name, and are never compared
            with a real model's.
        used: Told the vendor, the model and the tokens of a request that was answered.

    Attributes:
        local: The server is the operator's own, where private agents' words may go.
    """

    def __init__(
        self,
        name: str,
        api_key: str,
        *,
        base_url: str | None = None,
        stand_in: bool = False,
        used: Callable[[str, str, int], None] | None = None,
    ) -> None:
        self._vendor, _, self._model = name.partition(":")
        self.local = self._vendor == LOCAL
        self._name = f"{STAND_IN}{name}" if stand_in else name
        self._used = used
        shortens = self._model.startswith(_SHORTENS)
        self._dimensions: int | openai.Omit = _DIMENSIONS if shortens else openai.omit
        self._account = failures.Account(self._vendor, ERRORS, api_key)
        self._client = openai.AsyncOpenAI(**options(openai, api_key, base_url, _TIMEOUT_S))

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector of length one for each text, in the same order.

        Raises:
            ProviderError: There is none.
        """
        found: list[Vector] = []
        for start in range(0, len(texts), _BATCH):
            found += await self._some([text or " " for text in texts[start : start + _BATCH]])
        return found

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _some(self, texts: list[str]) -> list[Vector]:
        try:
            reply = await self._client.embeddings.create(
                model=self._model, input=texts, dimensions=self._dimensions
            )
            values = _values(reply, len(texts))
        except (openai.APIError, ValueError, TypeError, AttributeError) as error:
            raise self._failed(error) from None
        if self._used is not None and reply.usage:
            self._used(self._vendor, self._model, reply.usage.total_tokens)
        return [Vector(self._name, each) for each in values]

    def _failed(self, error: Exception) -> ProviderError:
        if isinstance(error, openai.APIStatusError):
            codes, headers = (error.code, error.type), error.response.headers
            return self._account.refused(error.status_code, codes, error.message, headers)
        return self._account.broke(error)


def _values(reply: CreateEmbeddingResponse, wanted: int) -> list[tuple[float, ...]]:
    """Return the vectors of a reply.

    Raises:
        ValueError: It has not one for each text.
    """
    by_index = {each.index: _of_length_one(each.embedding) for each in reply.data}
    if sorted(by_index) != list(range(wanted)):
        raise ValueError(f"{len(by_index)} embeddings for {wanted} texts")
    return [by_index[index] for index in range(wanted)]


def _of_length_one(values: Sequence[float]) -> tuple[float, ...]:
    length = math.sqrt(sum(value * value for value in values))
    if not length or not math.isfinite(length):
        raise ValueError("an embedding without a direction")
    return tuple(value / length for value in values)
