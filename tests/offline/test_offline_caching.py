"""The stand-in's prompt cache counts what it has really read before, and nothing else."""

import json
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from activities.providers import build
from activities.providers.base import Provider
from domain.messages import Message, ToolCall
from runtime.offline.caching import MARK, PromptCache
from runtime.offline.protocols import PROTOCOLS
from runtime.offline.strictness import anthropic_refusal, openai_refusal
from tests.activities.thinking import VENDORS, body_of, shape_of, spec_of

LONG = {"system": "Agent: bench (prompt v1)\n" + "You look keys up. " * 300}


def _grown(turns: int) -> list[Message]:
    """Return a transcript of so many turns with a result each."""
    said = [Message(role="user", text="begin")]
    for turn in range(turns):
        call = ToolCall(id=f"call_{turn}", name="lookup", arguments=json.dumps({"key": turn}))
        said.append(Message(role="assistant", calls=(call,)))
        said.append(Message(role="tool", text=f"result {turn} " * 60, call_id=call.id))
    return said


@cache
def _provider(vendor: str) -> Provider:
    return build(offline_url="http://127.0.0.1:1")[vendor]


def _body(vendor: str, turns: int, **changes: Any) -> bytes:
    provider = _provider(vendor)
    return body_of(provider, _grown(turns), shape_of(spec_of(vendor, **LONG), **changes))


def _counted(cache: PromptCache, vendor: str, body: bytes) -> Any:
    path = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}[vendor]
    protocol = PROTOCOLS[path]
    return protocol.count(cache, protocol.read(json.loads(body)), body)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_growing_conversation_is_read_from_the_cache(vendor: str) -> None:
    """Each turn finds all of the turn before it, to the token where the vendor counts blocks."""
    kept = PromptCache()

    counts = [_counted(kept, vendor, _body(vendor, turns)) for turns in range(12)]

    assert counts[0].read == 0
    for before, after in pairwise(counts[1:]):
        assert 0.9 * before.total < after.read <= before.total
        assert after.read + after.written <= after.total


@pytest.mark.parametrize("vendor", VENDORS)
def test_another_beginning_is_not_found(vendor: str) -> None:
    """A changed system prompt, and so a changed first byte of it, is read as new."""
    kept = PromptCache()
    _counted(kept, vendor, _body(vendor, 5))
    other = spec_of(vendor, system="Agent: bench (prompt v2)\n" + "You are other. " * 300)

    counted = _counted(kept, vendor, body_of(_provider(vendor), _grown(5), shape_of(other)))

    assert counted.read == 0


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_short_request_is_not_cached(vendor: str) -> None:
    """No vendor keeps less than 1,024 tokens."""
    kept, provider = PromptCache(), _provider(vendor)
    body = body_of(provider, _grown(1), shape_of(spec_of(vendor)))

    counted = [_counted(kept, vendor, body) for _ in range(2)]

    assert [(each.read, each.written) for each in counted] == [(0, 0), (0, 0)]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("turns", [1, 9])
def test_what_is_sent_begins_with_what_was_sent(vendor: str, turns: int) -> None:
    """But for the marks, a request is the last one to the byte, as far as its messages go.

    Without that no provider's cache finds anything: a prefix that changes in one byte is new.
    """
    before, after = _body(vendor, turns), _body(vendor, turns + 1)

    bare = before.replace(MARK, b"")
    messages = bare[: bare.rindex(b"]", 0, bare.rindex(b"max_"))]
    if vendor == "anthropic":  # the last message may grow: its end is not its last block's
        messages = messages[: messages.rindex(b"]")]

    assert len(messages) > 0.9 * len(bare)
    assert after.replace(MARK, b"").startswith(messages)


def test_anthropic_is_told_what_to_cache() -> None:
    """The prompt with its tools, the end of the last request, and the end of this one."""
    body = json.loads(_body("anthropic", 3))

    assert list(body)[:3] == ["model", "tools", "system"]
    assert body["system"][0]["cache_control"] == {"type": "ephemeral"}
    marked = [
        number
        for number, message in enumerate(body["messages"])
        if "cache_control" in message["content"][-1]
    ]
    assert marked == [4, 6]
    assert openai_key(_body("openai", 3)) == "caller"


def openai_key(body: bytes) -> str:
    """Return the key that a request to OpenAI is cached under."""
    return json.loads(body)["prompt_cache_key"]


def test_a_conversation_that_will_not_go_on_is_not_written() -> None:
    """Writing costs more than reading anew, and nobody would read it."""
    spec = spec_of("anthropic", tools=(), **LONG)
    body = json.loads(body_of(_provider("anthropic"), _grown(0), shape_of(spec)))

    assert "cache_control" not in body["messages"][-1]["content"][-1]


ODD = [
    "functions.lookup:0",  # as some servers name calls; Anthropic refuses the dot and the colon
    "x" * 64,  # OpenAI takes 40 characters
    "call_1",
]


@pytest.mark.parametrize("vendor", VENDORS)
def test_either_vendor_takes_the_others_ids(vendor: str) -> None:
    """Ids and invented names that a vendor refuses are written so that it does not, and match."""
    calls = tuple(ToolCall(id=each, name="look up!", arguments="{}") for each in ODD)
    said = [
        Message(role="user", text="begin"),
        Message(role="assistant", calls=calls),
        *(Message(role="tool", text="found", call_id=each) for each in ODD),
    ]

    body = json.loads(body_of(_provider(vendor), said))

    refusal = openai_refusal if vendor == "openai" else anthropic_refusal
    assert refusal(body) == ""
    assert b"call_1" in body_of(_provider(vendor), said)


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([{"role": "tool", "tool_call_id": "a", "content": ""}], "preceding tool call"),
        ([_said := {"role": "assistant", "tool_calls": [
            {"id": "a", "function": {"name": "b", "arguments": "{}"}}]}], "have no response"),
        ([_said, {"role": "user", "content": "x"}], "have no response"),
        ([{"role": "assistant", "tool_calls": [
            {"id": "a" * 41, "function": {"name": "b"}}]}], "maximum length 40"),
    ],
)  # fmt: skip
def test_openai_refuses_what_openai_refuses(messages: list[dict[str, Any]], why: str) -> None:
    """A transcript that the vendor would not take is refused here as well."""
    assert why in openai_refusal({"messages": messages})


_USER: dict[str, Any] = {"role": "user", "content": "x"}
_TEXT: dict[str, Any] = {"type": "text", "text": "x", "cache_control": {}}
_CALL: dict[str, Any] = {"type": "tool_use", "id": "a", "name": "b", "input": {}}


_REFUSED: list[tuple[list[dict[str, Any]], str]] = [
    ([_USER, _USER], "alternate"),
    ([{"role": "assistant", "content": "x"}], "begin with 'user'"),
    ([_USER, {"role": "assistant", "content": [_CALL]}], "without `tool_result`"),
    ([_USER, {"role": "assistant", "content": [_CALL]}, _USER], "need one `tool_result`"),
    ([_USER, {"role": "assistant", "content": [_CALL | {"id": "a.b"}]}], "does not match"),
    ([{"role": "user", "content": " "}], "non-whitespace"),
    ([{"role": "user", "content": [_TEXT] * 5}], "maximum of 4"),
]


@pytest.mark.parametrize(("messages", "why"), _REFUSED)
def test_anthropic_refuses_what_anthropic_refuses(messages: list[dict[str, Any]], why: str) -> None:
    """A transcript that the vendor would not take is refused here as well."""
    assert why in anthropic_refusal({"messages": messages})
