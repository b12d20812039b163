"""The carrier's tools: each says what a carrier that is away means for the run."""

from functools import cache
from http import HTTPStatus
from typing import Final

import httpx

from agents.toolkit import ToolContext, ToolError, ToolUnavailableError, tool
from domain.breaker import BreakerPolicy

_TARIFF_CENTS: Final = 1_290
_AWAY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
# The carrier asks to be called at most so often, by all of us together.
LOOKS_PER_SECOND: Final = 10


@tool(effect="read", source="ours", timeout=10, fallback="tariff_quote")
async def carrier_quote(context: ToolContext, parcel: str) -> str:
    """Ask the carrier what a parcel costs today.

    Args:
        context: Of the call.
        parcel: The parcel's number.
    """
    return await _ask(context, "GET", f"quote/{parcel}")


@tool(effect="read", source="ours", breaker=None)
async def tariff_quote(parcel: str) -> str:
    """Look up what a parcel costs by the printed tariff, which is never cheaper.

    Args:
        parcel: The parcel's number.
    """
    return f"parcel {parcel}: {_TARIFF_CENTS} cents by the tariff"


@tool(effect="read", source="ours", timeout=10, rate_per_second=LOOKS_PER_SECOND)
async def carrier_track(context: ToolContext, parcel: str) -> str:
    """Ask the carrier where a parcel is.

    Args:
        context: Of the call.
        parcel: The parcel's number.
    """
    return await _ask(context, "GET", f"track/{parcel}")


@tool(
    effect="write",
    timeout=20,
    idempotent=True,
    breaker=BreakerPolicy(failures=3, window_s=120),
)
async def carrier_book(context: ToolContext, parcel: str) -> str:
    """Book the pick-up of a parcel.

    Args:
        context: Of the call.
        parcel: The parcel's number.
    """
    return await _ask(context, "POST", f"book/{parcel}")


async def _ask(context: ToolContext, method: str, path: str) -> str:
    """Ask the carrier; what it is when it does not answer decides what the call comes to.

    Raises:
        ToolUnavailableError: It says that it has done nothing: it is down, or asks for a pause.
        ToolError: It refuses.
    """
    base = context.data.get("carrier", "").rstrip("/")
    if not base.startswith("http"):
        raise ToolError(f"the run's data has carrier={base!r}; give the service's address")
    headers = {"Idempotency-Key": context.key}
    try:
        answer = await _client().request(method, f"{base}/{path}", headers=headers)
    except httpx.ConnectError as error:
        raise ToolUnavailableError(f"the carrier cannot be reached ({error})") from None
    if answer.status_code in _AWAY:
        raise ToolUnavailableError(f"the carrier is away ({answer.status_code})")
    if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR and answer.is_error:
        raise ToolError(f"the carrier refuses: {answer.status_code} {answer.text[:200]}")
    return answer.raise_for_status().text


@cache
def _client() -> httpx.AsyncClient:
    # Never through a proxy, where the carrier is a stand-in on this machine.
    return httpx.AsyncClient(timeout=10, mounts={"all://127.0.0.1": None})
