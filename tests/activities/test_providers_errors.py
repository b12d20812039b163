"""Each row of each vendor's error table, over a real connection and through the real SDK."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest

from activities.providers import anthropic, openai
from activities.providers.anthropic import AnthropicProvider
from activities.providers.base import Provider, ProviderError
from activities.providers.openai import OpenAIProvider
from activities.retry_after import MAX_RETRY_AFTER, retry_after
from domain.messages import Message
from runtime.offline.http import Request, Response, Server
from tests.activities.thinking import VENDORS, body_of

KEY = "sk-proj-abcDEF123456"
TABLES = {"openai": openai.ERRORS, "anthropic": anthropic.ERRORS}
STATUSES = [
    (vendor, status) for vendor in VENDORS for status in TABLES[vendor] if isinstance(status, int)
]
Handler = Callable[[Request], Awaitable[Response]]


def _provider_at(vendor: str, url: str, timeout_s: float = 10) -> Provider:
    if vendor == "openai":
        return OpenAIProvider(KEY, base_url=f"{url}/v1", timeout_s=timeout_s)
    return AnthropicProvider(KEY, base_url=url, timeout_s=timeout_s)


@asynccontextmanager
async def serving(vendor: str, response: Response) -> AsyncGenerator[Provider]:
    """A provider whose server always gives the same response."""

    async def answer(_: Request) -> Response:
        return response

    server = Server(answer)
    port = await server.start("127.0.0.1", 0)
    provider = _provider_at(vendor, f"http://127.0.0.1:{port}", timeout_s=0.5)
    try:
        yield provider
    finally:
        await provider.close()
        await server.stop()


async def _failure(provider: Provider) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await provider.complete(body_of(provider, [Message(role="user", text="hello")]))
    # What a failed attempt records must not lead to the SDK's error, which quotes the request.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    return caught.value


def _error(
    vendor: str, status: int, message: str, code: str | None = None, **headers: str
) -> Response:
    kind: dict[str, Any] = {"message": message, "type": code or "some_error"}
    body = {"error": kind | ({"code": code} if vendor == "openai" else {})}
    return Response(status, orjson.dumps(body), headers)


@pytest.mark.parametrize(("vendor", "status"), STATUSES)
async def test_each_status_means_what_its_row_says(vendor: str, status: int) -> None:
    """A status is retried, charged and explained by its row."""
    row = TABLES[vendor][status]

    async with serving(vendor, _error(vendor, status, "what went wrong")) as provider:
        caught = await _failure(provider)

    assert (caught.retryable, caught.billed) == (row.retryable, row.billed)
    assert caught.reason.startswith(f"{vendor} ({status}): {row.reason}: ")
    assert "what went wrong" in caught.reason
    assert "\n" not in caught.reason
    assert row.retryable or row.advice


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(("status", "retryable"), [(503, True), (599, True), (418, False)])
async def test_an_unlisted_status_goes_by_its_kind(
    vendor: str, status: int, retryable: bool
) -> None:
    """Any 5xx is the provider's and is retried; an unknown 4xx is ours and is not."""
    async with serving(vendor, _error(vendor, status, "odd")) as provider:
        caught = await _failure(provider)

    assert caught.retryable is retryable


@pytest.mark.parametrize(
    ("vendor", "status", "code", "message"),
    [
        ("openai", 429, "insufficient_quota", "You exceeded your current quota"),
        ("openai", 400, "context_length_exceeded", "maximum context length"),
        ("openai", 429, "billing_hard_limit_reached", "limit"),
        ("anthropic", 403, "billing_error", "billing"),
        ("anthropic", 400, "invalid_request_error", "Your credit balance is too low to go on"),
    ],
)
async def test_an_empty_account_is_not_a_rate_limit(
    vendor: str, status: int, code: str, message: str
) -> None:
    """What no waiting mends stops the run, whatever its status, and says what does."""
    async with serving(vendor, _error(vendor, status, message, code)) as provider:
        caught = await _failure(provider)

    assert not caught.retryable
    assert not caught.billed
    row = TABLES[vendor].get(code) or TABLES[vendor]["billing_error"]
    assert row.reason in caught.reason


@pytest.mark.parametrize("vendor", VENDORS)
async def test_the_key_never_shows(vendor: str) -> None:
    """Providers echo the key they refuse, whole or starred; neither reaches the message."""
    text = f"Incorrect API key provided: {KEY}.\nYou sent 'Bearer {KEY}' or sk-pr***********3456"

    async with serving(vendor, _error(vendor, 401, text)) as provider:
        caught = await _failure(provider)

    assert KEY not in caught.reason
    assert "3456" not in caught.reason
    assert "\n" not in caught.reason


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_long_error_page_is_cut(vendor: str) -> None:
    """A proxy's error page does not fill the history."""
    page = Response(502, b"<html>" + b"bad gateway\n" * 10_000, content_type="text/html")

    async with serving(vendor, page) as provider:
        caught = await _failure(provider)

    assert len(caught.reason) < 700
    assert caught.retryable


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("response", "row"),
    [
        (Response(200, b"x" * 5_000, fault="cut"), "interrupted"),
        (Response(200, b'{"choices": [], "cont'), "malformed"),
        (Response(200, b'{"choices": [], "content": null}'), "malformed"),
        (Response(200, b"[]"), "malformed"),
        (Response(200, b'"text"'), "malformed"),
        (Response(200, b"null"), "malformed"),
        (Response(200, b"<html></html>", content_type="text/html"), "malformed"),
        (Response(200, b'{"choices": [{"message": null}], "content": 7}'), "malformed"),
        (Response(200, b" " * 1_100_000), "oversized"),
        (Response(fault="hang"), "timeout"),
    ],
)
async def test_a_reply_that_is_none_is_tried_again(
    vendor: str, response: Response, row: str
) -> None:
    """Cut, malformed, oversized or missing: retried, and charged as it may have been billed."""
    async with serving(vendor, response) as provider:
        caught = await _failure(provider)

    assert caught.retryable
    assert caught.billed
    assert TABLES[vendor][row].reason in caught.reason


async def test_calls_without_ids_of_their_own_get_some() -> None:
    """Compatible servers leave ids out, repeat them, and send arguments as objects."""
    function = {"name": "lookup", "arguments": '{"key": "1"}'}
    calls = [
        {"id": "a", "type": "function", "function": function},
        {"id": "a", "type": "function", "function": function},
        {"id": None, "type": "function", "function": function | {"arguments": {"key": "2"}}},
    ]
    body = {"model": "m", "choices": [{"message": {"role": "assistant", "tool_calls": calls}}]}

    async with serving("openai", Response(200, orjson.dumps(body))) as provider:
        reply = await provider.complete(body_of(provider, [Message(role="user", text="go")]))

    assert [call.id for call in reply.message.calls] == ["a", "a_2", "call_3"]
    assert reply.message.calls[2].arguments == '{"key": "2"}'
    assert reply.finish == "tool_calls"
    assert reply.usage.input_tokens > 0  # an estimate, since the server did not count


@pytest.mark.parametrize("vendor", VENDORS)
async def test_an_unreachable_provider_costs_nothing(vendor: str) -> None:
    """What never left this machine was not billed."""
    provider = _provider_at(vendor, "http://127.0.0.1:1")

    caught = await _failure(provider)

    await provider.close()
    assert caught.retryable
    assert not caught.billed


@pytest.mark.parametrize("vendor", VENDORS)
async def test_the_wait_that_a_provider_asks_for_is_kept(vendor: str) -> None:
    """A 429's retry-after comes along; what stops the run has none."""
    busy = _error(vendor, 429, "slow down", **{"retry-after": "7"})
    refused = _error(vendor, 401, "no", **{"retry-after": "7"})

    async with serving(vendor, busy) as provider:
        assert (await _failure(provider)).retry_after == timedelta(seconds=7)
    async with serving(vendor, refused) as provider:
        assert (await _failure(provider)).retry_after is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "99999999999999"}, MAX_RETRY_AFTER.total_seconds()),
        ({"retry-after": "inf"}, MAX_RETRY_AFTER.total_seconds()),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_a_wait_is_read_and_bounded(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds and milliseconds are read; nonsense is none, and a century is five minutes."""
    wait = retry_after(headers)

    assert (wait.total_seconds() if wait is not None else None) == seconds


def test_a_date_to_wait_for_is_read() -> None:
    """An HTTP date is a time from now; one that has passed is no wait."""
    now = datetime.now(UTC)

    later = retry_after({"retry-after": format_datetime(now + timedelta(seconds=60), usegmt=True)})
    past = retry_after({"retry-after": format_datetime(now - timedelta(days=9), usegmt=True)})

    assert later is not None
    assert timedelta(seconds=50) < later <= timedelta(seconds=60)
    assert past == timedelta()
