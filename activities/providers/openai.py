"""OpenAI's chat completions, and every server that is compatible with them: also one's own."""

import json
from collections.abc import Sequence
from typing import Any, Final

import openai
from openai.types.chat import ChatCompletion
from openai.types.completion_usage import CompletionUsage

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
from domain.certainty import Token, field_logprobs
from domain.messages import Message, ToolCall
from domain.routing import LOCAL

VENDOR: Final = "openai"

# Codes before statuses: a 429 is a rate limit or an empty account, and only the code tells.
_OWN_ERRORS: Final[failures.Table] = {
    "insufficient_quota": Posture(
        False,
        False,
        "the account's quota is used up",
        "top it up or raise its limit, then retry",
    ),
    "billing_hard_limit_reached": Posture(
        False, False, "the account's spending limit is reached", "raise it, then retry"
    ),
    "context_length_exceeded": Posture(
        False,
        False,
        "the conversation is longer than the model reads",
        "route to a larger model",
    ),
}
ERRORS: Final = failures.table("OPENAI_API_KEY", "OPENAI_BASE_URL", _OWN_ERRORS)
_LOCAL_ERRORS: Final = failures.table(
    "HOLDFAST_LOCAL_API_KEY", "HOLDFAST_LOCAL_BASE_URL", _OWN_ERRORS
)

_FINISH: Final = {"function_call": "tool_calls"}


class OpenAIProvider(Connection[openai.AsyncOpenAI]):
    """Chat completions with tools and JSON Schema output.

    Args:
        api_key: The account's.
        base_url: Of a server that is not the vendor's.
        stand_in: The offline model answers.
        local: The server is the operator's own, which private agents may be sent to.
        timeout_s: Of one request.
    """

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        stand_in: bool = False,
        local: bool = False,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        vendor, errors = (LOCAL, _LOCAL_ERRORS) if local else (VENDOR, ERRORS)
        super().__init__(
            openai.AsyncOpenAI(**options(openai, api_key, base_url, timeout_s)),
            failures.Account(vendor, errors, api_key),
            _head,
            stand_in=stand_in,
        )
        self._local = local

    def wire(self, message: Message) -> Wire:
        """Serialise one message."""
        return Wire(message.role, as_json(_written(message)))

    def body(self, shape: Shape, transcript: Sequence[Wire]) -> bytes:
        """Join a request: head, messages, and what differs from call to call."""
        tail = as_json(self._tail(shape))
        messages = b",".join([wire.raw for wire in transcript])
        return b"".join((self._heads.of(shape), messages, b"],", tail[1:]))

    async def complete(self, body: bytes) -> ProviderReply:
        """Send a ready request.

        Raises:
            ProviderError: As `ERRORS` says.
        """
        try:
            reply = await self._client.post(
                "/chat/completions",
                cast_to=ChatCompletion,
                content=body,
                options={"headers": {"content-type": "application/json"}},
            )
        except (openai.APIError, ValueError) as error:
            raise self._failed(error) from None
        return self._read(reply, body)

    def _tail(self, shape: Shape) -> dict[str, Any]:
        """Return what stands behind the messages, so that it does not part equal beginnings."""
        if self._local:
            # The older name, which every compatible server knows.
            return {"max_tokens": shape.max_output_tokens, "user": shape.caller}
        return {
            "max_completion_tokens": shape.max_output_tokens,
            "user": shape.caller,
            # A run's calls are sent where its beginning is cached; agents that many runs share
            # would overflow one such place.
            "prompt_cache_key": shape.caller,
        }

    def _failed(self, error: openai.APIError | ValueError) -> ProviderError:
        if not isinstance(error, openai.APIStatusError):
            return self._account.broke(error)
        codes = (error.code, error.type)
        headers = error.response.headers
        return self._account.refused(error.status_code, codes, error.message, headers)

    def _read(self, reply: ChatCompletion, body: bytes) -> ProviderReply:
        # The SDK builds a reply without checking it, so that new fields do no harm; what is
        # needed here is checked here. A body that is not JSON comes back as a string.
        try:
            choice = reply.choices[0]
            said = choice.message
            text = sound(said.content or said.refusal or "")
            calls = [_call(call) for call in said.tool_calls or ()]
            finish = "content_filter" if said.refusal else choice.finish_reason
            model = reply.model
        except (AttributeError, IndexError, TypeError):
            self._account.malformed("it has no message")
        usage = _usage(reply.usage, body, text)
        finish = _FINISH.get(finish, finish) or ("tool_calls" if calls else "stop")
        message = assistant(text, calls)
        return ProviderReply(message, finish, usage, str(model), _logprobs(choice))


def _head(shape: Shape) -> bytes:
    system = shape.system
    head: dict[str, Any] = {"model": shape.model}
    if shape.offered:
        head["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                },
            }
            for tool in shape.offered
        ]
        if not shape.may_call:
            head["tool_choice"] = "none"
    if shape.spec.temperature is not None:
        head["temperature"] = shape.spec.temperature
    if shape.spec.logprobs and shape.purpose == "turn" and shape.aside is None:
        head["logprobs"] = True
    if shape.wanted:
        name, schema = shape.wanted
        if schema.get("type") == "object":
            # Not strict: that mode refuses many schemas that pydantic writes, and the answer is
            # checked here anyway.
            form = {"name": name, "schema": schema, "strict": False}
            head["response_format"] = {"type": "json_schema", "json_schema": form}
        else:
            system += by_instruction(schema)
    first = as_json({"role": "system", "content": system})
    return as_json(head)[:-1] + b',"messages":[' + first + b","


def _written(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        call_id = fit_id(message.call_id)
        return {"role": "tool", "tool_call_id": call_id, "content": message.text}
    written: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.calls:
        written["content"] = message.text or None
        written["tool_calls"] = [
            {
                "id": fit_id(call.id),
                "type": "function",
                "function": {"name": fit_name(call.name), "arguments": call.arguments},
            }
            for call in message.calls
        ]
    return written


def _call(call: Any) -> ToolCall:
    arguments = call.function.arguments
    if not isinstance(arguments, str):  # some compatible servers send the object itself
        arguments = json.dumps(arguments)
    return ToolCall(
        id=sound(str(call.id or "")),
        name=sound(str(call.function.name)),
        arguments=sound(arguments),
    )


def _logprobs(choice: Any) -> dict[str, float]:
    """Return how probable each field of the answer was; empty where the server does not say."""
    tokens = getattr(getattr(choice, "logprobs", None), "content", None) or ()
    try:
        return field_logprobs([Token(str(one.token), float(one.logprob)) for one in tokens])
    except (AttributeError, TypeError, ValueError):
        return {}  # a compatible server has its own idea of them: then the model's word counts


def _usage(counted: CompletionUsage | None, body: bytes, text: str) -> Usage:
    """Return the provider's count; where a compatible server gives none, an estimate."""
    if counted is None:
        return Usage(
            input_tokens=len(body) // 4, output_tokens=len(text.encode()) // 4 + 1, cached_tokens=0
        )
    details = counted.prompt_tokens_details
    return Usage(
        input_tokens=counted.prompt_tokens or 0,
        output_tokens=counted.completion_tokens or 0,
        cached_tokens=(details.cached_tokens or 0) if details else 0,
        cache_written_tokens=(details.cache_write_tokens or 0) if details else 0,
    )
