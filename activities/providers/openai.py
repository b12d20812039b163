"""OpenAI's chat completions, and every server that is compatible with them."""

import json
from collections.abc import Sequence
from typing import Any, Final

import openai
from openai.types.chat import ChatCompletion
from openai.types.completion_usage import CompletionUsage

from activities.providers import failures
from activities.providers.base import (
    Heads,
    ProviderError,
    ProviderReply,
    Shape,
    Wire,
    as_json,
    assistant,
    by_instruction,
    sound,
)
from activities.providers.failures import Posture
from activities.providers.transport import client_options
from domain.budget import Usage
from domain.certainty import Token, field_logprobs
from domain.messages import Message, ToolCall

VENDOR: Final = "openai"

# Codes before statuses: a 429 is a rate limit or an empty account, and only the code tells.
ERRORS: Final = failures.table(
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    {
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
    },
)

_FINISH: Final = {"function_call": "tool_calls"}


class OpenAIProvider:
    """Chat completions with tools and JSON Schema output."""

    vendor = VENDOR

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        stand_in: bool = False,
        timeout_s: float = 300,
    ) -> None:
        self.stand_in = stand_in
        self._account = failures.Account(VENDOR, ERRORS, api_key)
        self._heads = Heads(_head)
        self._client = openai.AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            timeout=openai.Timeout(timeout_s, connect=10),
            http_client=openai.DefaultAsyncHttpxClient(**client_options(base_url)),
        )

    def wire(self, message: Message) -> Wire:
        """Serialise one message."""
        return Wire(message.role, as_json(_written(message)))

    def body(self, shape: Shape, transcript: Sequence[Wire]) -> bytes:
        """Join a request: head, messages, and what differs from call to call."""
        tail = as_json({"max_completion_tokens": shape.max_output_tokens, "user": shape.caller})
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

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

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
        return {"role": "tool", "tool_call_id": message.call_id, "content": message.text}
    written: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.calls:
        written["content"] = message.text or None
        written["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
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
    )
