"""What the providers share: a vendor's client with its own retries off, its account, its heads."""

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from activities.providers.base import Heads, Shape
from activities.providers.failures import Account
from activities.providers.transport import client_options

TIMEOUT_S = 300.0
"""Of one request: long answers take minutes."""
_CONNECT_S = 10


class Closing(Protocol):
    """A vendor's client, of which this much is the same everywhere."""

    async def close(self) -> None:
        """Close the connections."""
        ...


_Client = TypeVar("_Client", bound=Closing)


class Connection(Generic[_Client]):
    """A provider's connection; what goes over it is each vendor's own.

    Attributes:
        vendor: Name in routes, and of the wire format.
        stand_in: The offline model answers, not the vendor.
    """

    def __init__(
        self,
        client: _Client,
        account: Account,
        write_head: Callable[[Shape], bytes],
        *,
        stand_in: bool,
    ) -> None:
        self.vendor = account.vendor
        self.stand_in = stand_in
        self._client = client
        self._account = account
        self._heads = Heads(write_head)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def options(sdk: Any, api_key: str, base_url: str | None, timeout_s: float) -> dict[str, Any]:
    """Return what a client of `sdk`, which both vendors have generated, is made with.

    Its retries are off, since Temporal retries; its connections are bounded, see `transport`.
    """
    return {
        "api_key": api_key,
        "base_url": base_url,
        "max_retries": 0,
        "timeout": sdk.Timeout(timeout_s, connect=_CONNECT_S),
        "http_client": sdk.DefaultAsyncHttpxClient(**client_options(base_url)),
    }
