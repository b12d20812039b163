"""Anthropic's messages with tools."""

import json
from collections.abc import Sequence
from typing import Any, Final, cast

import anthropic
from anthropic.types import Message as Answer
from anthropic.types import TextBlock, ToolUseBlock

from activities.providers import failures
from activities.providers.base import (
    ProviderError,
    ProviderReply,
    Shape,
    Wire,
    as_json,
    assistant,
    by_instruction,
    fit_id,
    fit_name,
    sound,
)
from activities.providers.client import TIMEOUT_S, Connection, options
from activities.providers.failures import Posture
from domain.budget import Usage
from domain.messages import Message, ToolCall

VENDOR: Final = "anthropic"

_UNPAID: Final = Posture(
    False, False, "the account cannot be billed", "mend its billing, then retry"
)
ERRORS: Final = failures.table(
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    {
        "billing_error": _UNPAID,
        402: _UNPAID,
        504: Posture(True, True, "the provider timed out"),
        529: Posture(True, False, "the provider is overloaded"),
    },
)
# A spent balance is a 400 whose type is that of any bad request; only its text tells.
_NO_CREDIT: Final = "credit balance is too low"

_FINISH: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
# An empty text block is refused.
_EMPTY: Final = "(nothing)"


class AnthropicProvider(Connection[anthropic.AsyncAnthropic]):
    """Messages with tools; JSON Schema output where the schema can be enforced."""

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        stand_in: bool = False,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        super().__init__(
            # The activity's span carries the attributes, the same for every vendor.
            anthropic.AsyncAnthropic(
                **options(anthropic, api_key, base_url, timeout_s), open_telemetry=False
            ),
            failures.Account(VENDOR, ERRORS, api_key),
            _head,
            stand_in=stand_in,
        )

    def wire(self, message: Message) -> Wire:
        """Serialise one message as content blocks; `body` puts the role around them."""
        role = "assistant" if message.role == "assistant" else "user"
        return Wire(role, b",".join(as_json(block) for block in _blocks(message)))

    def body(self, shape: Shape, transcript: Sequence[Wire]) -> bytes:
        """Join a request. Roles alternate, so neighbours of one role become one message."""
        parts = [self._heads.of(shape)]
        last = ""
        ends = _stable_ends(shape, transcript)
        for place, (role, raw) in enumerate(transcript):
            if role == last:
                parts.append(b",")
            else:
                parts.append(_OPEN_FIRST[role] if not last else _OPEN[role])
                last = role
            parts += (raw[:-1], _MARK) if place in ends else (raw,)
        tail = as_json(
            {"max_tokens": shape.max_output_tokens, "metadata": {"user_id": shape.caller}}
        )
        parts += (b"]}]," if last else b"],", tail[1:])
        return b"".join(parts)

    async def complete(self, body: bytes) -> ProviderReply:
        """Send a ready request.

        Raises:
            ProviderError: As `ERRORS` says.
        """
        try:
            reply = await self._client.post(
                "/v1/messages",
                cast_to=Answer,
                content=body,
                options={"headers": {"content-type": "application/json"}},
            )
        except (anthropic.APIError, ValueError) as error:
            raise self._failed(error) from None
        return self._read(reply)

    def _failed(self, error: anthropic.APIError | ValueError) -> ProviderError:
        if not isinstance(error, anthropic.APIStatusError):
            return self._account.broke(error)
        said = error.api_message or error.message
        code = "billing_error" if _NO_CREDIT in said.lower() else error.type
        headers = error.response.headers
        return self._account.refused(error.status_code, (code,), said, headers)

    def _read(self, reply: Answer) -> ProviderReply:
        # The SDK builds a reply without checking it, so that new fields do no harm; what is
        # needed here is checked here. A body that is not JSON comes back as a string.
        try:
            text = "".join(block.text for block in reply.content if isinstance(block, TextBlock))
            calls = [_call(block) for block in reply.content if isinstance(block, ToolUseBlock)]
            usage = Usage(
                input_tokens=reply.usage.input_tokens
                + (reply.usage.cache_creation_input_tokens or 0)
                + (reply.usage.cache_read_input_tokens or 0),
                output_tokens=reply.usage.output_tokens,
                cached_tokens=reply.usage.cache_read_input_tokens or 0,
                cache_written_tokens=reply.usage.cache_creation_input_tokens or 0,
            )
            finish = reply.stop_reason or ("tool_use" if calls else "end_turn")
            model = reply.model
        except (AttributeError, TypeError, ValueError):
            self._account.malformed("it has no content")
        return ProviderReply(
            assistant(sound(text), calls), _FINISH.get(finish, finish), usage, str(model)
        )


_OPEN_FIRST: Final = {
    role: b'{"role":"%s","content":[' % role.encode() for role in ("user", "assistant")
}
_CACHED: Final = {"cache_control": {"type": "ephemeral"}}
# The end of a block, with the word that the prompt up to it is to be cached.
_MARK: Final = b"," + as_json(_CACHED)[1:]
_OPEN: Final = {role: b"]}," + opening for role, opening in _OPEN_FIRST.items()}


def _head(shape: Shape) -> bytes:
    head: dict[str, Any] = {"model": shape.model}
    system = shape.system
    if shape.wanted:
        _, schema = shape.wanted
        try:
            form = {"type": "json_schema", "schema": anthropic.transform_schema(schema)}
            head["output_config"] = {"format": form}
        except (TypeError, ValueError):
            # A schema with a part of any type has no form that the provider can enforce.
            system += by_instruction(schema)
    if shape.offered:
        head["tools"] = [
            {
                "name": tool.name,
                "description": tool.description,
                "input_schema": tool.parameters,
            }
            for tool in shape.offered
        ]
        if not shape.may_call:
            head["tool_choice"] = {"type": "none"}
    # The tools stand before it, so they are cached with it.
    head["system"] = [{"type": "text", "text": system or _EMPTY, **_CACHED}]
    if shape.spec.temperature is not None:
        head["temperature"] = shape.spec.temperature
    return as_json(head)[:-1] + b',"messages":['


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [
            {
                "type": "tool_result",
                "tool_use_id": fit_id(message.call_id),
                "content": message.text or _EMPTY,
            }
        ]
    blocks: list[dict[str, Any]] = []
    if message.text.strip() or not message.calls:
        blocks.append({"type": "text", "text": message.text if message.text.strip() else _EMPTY})
    blocks += (
        {
            "type": "tool_use",
            "id": fit_id(call.id),
            "name": fit_name(call.name),
            "input": _input(call.arguments),
        }
        for call in message.calls
    )
    return blocks


def _stable_ends(shape: Shape, transcript: Sequence[Wire]) -> tuple[int, ...]:
    """Return which messages end a part that is to be cached: this request's, and the last one's.

    The vendor looks at most twenty blocks back for what was cached, and one turn may add more;
    with the end of the last request marked as well, what that one wrote is found. A conversation
    without tools ends with its answer, so writing it would only cost.
    """
    if shape.aside is not None or not shape.spec.tools or not transcript:
        return ()
    place = last = len(transcript) - 1
    while place > 0 and transcript[place].role == "user":
        place -= 1
    while place > 0 and transcript[place].role == "assistant":
        place -= 1
    return (place, last) if place < last else (last,)


def _input(arguments: str) -> dict[str, Any]:
    """Return the arguments as the object that the protocol wants, whatever the model wrote."""
    try:
        parsed: Any = json.loads(arguments)
    except (ValueError, RecursionError):
        parsed = None
    return (
        cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {"not_an_object": arguments}
    )


def _call(block: ToolUseBlock) -> ToolCall:
    written: Any = block.input
    text = written if isinstance(written, str) else json.dumps(written, ensure_ascii=False)
    return ToolCall(id=sound(block.id), name=sound(block.name), arguments=sound(text))
