"""The two wire protocols: a request's JSON to a conversation, a reply to the vendor's JSON."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from agents.offline import Call, Conversation, Reply, Result, Said
from domain.contract import digest
from domain.taint import unmarked
from runtime.offline.caching import Counted, PromptCache
from runtime.offline.probable import logprobs
from runtime.offline.strictness import anthropic_refusal, openai_refusal

STAND_IN: Final = "offline stand-in for "
_PLAN: Final = "plan"

Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A request, understood.

    Attributes:
        cache_key: Under which OpenAI keeps what the request begins with.
        logprobs: It asks how probable each piece of the answer is.
    """

    model: str
    caller: str
    conversation: Conversation
    logprobs: bool = False
    cache_key: str = ""


@dataclass(frozen=True)
class Failed:
    """An error to answer with, as each vendor words it.

    Attributes:
        kind: Anthropic's type of the error; OpenAI's code stands in `code`.
    """

    status: int
    message: str
    kind: str
    code: str | None = None


@dataclass(frozen=True)
class Protocol:
    """One vendor's side of the wire.

    Attributes:
        refusal: Why the vendor would not take a transcript; empty where it would.
    """

    vendor: str
    read: Callable[[Json], Asked]
    refusal: Callable[[Json], str]
    count: Callable[[PromptCache, Asked, bytes], Counted]
    write: Callable[[Asked, Reply, Counted, str], Json]
    error: Callable[[Failed], Json]


class _Log:
    """Collects what was said, whichever vendor's messages say it."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.results: list[Result] = []
        self.turns = 0
        self._calls: dict[str, tuple[str, Json]] = {}

    def call(self, call_id: str, name: str, arguments: Any) -> None:
        if isinstance(arguments, str):
            try:
                arguments = orjson.loads(arguments)
            except orjson.JSONDecodeError:
                arguments = None
        self._calls[call_id] = name, arguments if isinstance(arguments, dict) else {}

    def result(self, call_id: str, text: str) -> None:
        name, arguments = self._calls.get(call_id, ("", {}))
        text = unmarked(text)  # rules read a result; a model would read the mark as well
        self.results.append(Result(name, arguments, text))
        self.said.append(Said("tool", text))

    def conversation(self, system: str, tools: Mapping[str, Json], wants: Json | None, name: str):
        return Conversation(
            system=system,
            task=next((said.text for said in self.said if said.role == "user"), ""),
            tools=list(tools),
            schemas=dict(tools),
            results=self.results,
            messages=self.said,
            # One vendor names a format; the schema has the same name as its title.
            asks_plan=_PLAN in {name, str((wants or {}).get("title", "")).lower()},
            wants=wants,
            turn=self.turns + 1,
        )


def _part(body: Json, *path: str) -> Json:
    """Return an optional part of a request, empty where it is left out."""
    for name in path:
        body = body.get(name) or {}
    return body


def _text(content: Any) -> str:
    if isinstance(content, str) or content is None:
        return content or ""
    return "".join(part.get("text", "") for part in content)


def _read_openai(body: Json) -> Asked:
    log, system = _Log(), ""
    for message in body["messages"]:
        role, text = message["role"], _text(message.get("content"))
        if role in {"system", "developer"}:
            system += text
        elif role == "tool":
            log.result(message["tool_call_id"], text)
        else:
            log.said.append(Said(role, text))
            log.turns += role == "assistant"
            for call in message.get("tool_calls") or ():
                log.call(call["id"], call["function"]["name"], call["function"]["arguments"])
    tools = {
        tool["function"]["name"]: tool["function"].get("parameters", {})
        for tool in body.get("tools") or ()
    }
    form = _part(body, "response_format", "json_schema")
    conversation = log.conversation(system, tools, form.get("schema"), form.get("name", ""))
    told = bool(body.get("logprobs"))
    key = body.get("prompt_cache_key") or ""
    return Asked(body["model"], body.get("user") or "", conversation, told, key)


def _read_anthropic(body: Json) -> Asked:
    log = _Log()
    for message in body["messages"]:
        role, content = message["role"], message["content"]
        log.turns += role == "assistant"
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks:
            if block["type"] == "text":
                log.said.append(Said(role, block["text"]))
            elif block["type"] == "tool_use":
                log.call(block["id"], block["name"], block["input"])
            elif block["type"] == "tool_result":
                log.result(block["tool_use_id"], _text(block.get("content")))
    tools = {tool["name"]: tool.get("input_schema", {}) for tool in body.get("tools") or ()}
    wants = _part(body, "output_config", "format").get("schema")
    conversation = log.conversation(_text(body.get("system")), tools, wants, "")
    caller = _part(body, "metadata").get("user_id") or ""
    return Asked(body["model"], caller, conversation)


def _identified(asked: Asked, calls: Iterable[Call]) -> Iterable[tuple[str, Call]]:
    """Give each call an id: the same for the same conversation, another in every turn."""
    conversation = asked.conversation
    # A turn's number alone comes again once older turns are folded away.
    last = "\n".join(said.text for said in conversation.messages[-2:])
    mark = f"{conversation.turn}_{digest(last, length=6)}"
    return ((f"call_{mark}_{number}", call) for number, call in enumerate(calls, 1))


def _tokens(size: int) -> int:
    return max(1, size // 4)


def _arguments(call: Call) -> str:
    written = call.arguments
    return written if isinstance(written, str) else orjson.dumps(written, default=str).decode()


def _write_openai(asked: Asked, reply: Reply, counted: Counted, request: str) -> Json:
    calls = [
        {
            "id": call_id,
            "type": "function",
            "function": {"name": call.name, "arguments": _arguments(call)},
        }
        for call_id, call in _identified(asked, reply.calls)
    ]
    message: Json = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if calls:
        message["tool_calls"] = calls
    said = _tokens(len(orjson.dumps(message, default=str)))
    return {
        "id": f"chatcmpl-stand-in-{request[:16]}",
        "object": "chat.completion",
        "created": 0,
        "model": STAND_IN + asked.model,
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": "tool_calls" if calls else "stop",
                "logprobs": logprobs(reply) if asked.logprobs and not calls else None,
            }
        ],
        "usage": {
            "prompt_tokens": counted.total,
            "completion_tokens": said,
            "total_tokens": counted.total + said,
            "prompt_tokens_details": {"cached_tokens": counted.read},
        },
    }


def _write_anthropic(asked: Asked, reply: Reply, counted: Counted, request: str) -> Json:
    content: list[Json] = [{"type": "text", "text": reply.text}] if reply.text else []
    content += (
        # This protocol has no text for arguments, so broken ones come as a string.
        {"type": "tool_use", "id": call_id, "name": call.name, "input": call.arguments}
        for call_id, call in _identified(asked, reply.calls)
    )  # fmt: skip
    return {
        "id": f"msg_stand_in_{request[:16]}",
        "type": "message",
        "role": "assistant",
        "model": STAND_IN + asked.model,
        "content": content,
        "stop_reason": "tool_use" if reply.calls else "end_turn",
        "stop_sequence": None,
        "usage": {
            # What was neither read from the cache nor written to it.
            "input_tokens": counted.total - counted.read - counted.written,
            "cache_read_input_tokens": counted.read,
            "cache_creation_input_tokens": counted.written,
            "output_tokens": _tokens(len(orjson.dumps(content, default=str))),
        },
    }


def _openai_error(failed: Failed) -> Json:
    return {
        "error": {
            "message": failed.message,
            "type": failed.code or failed.kind,
            "param": None,
            "code": failed.code,
        }
    }


def _anthropic_error(failed: Failed) -> Json:
    return {"type": "error", "error": {"type": failed.kind, "message": failed.message}}


def _openai_of(vendor: str) -> Protocol:
    return Protocol(
        vendor,
        _read_openai,
        openai_refusal,
        lambda cache, asked, body: cache.openai(asked.model, asked.cache_key, body),
        _write_openai,
        _openai_error,
    )


PROTOCOLS: Final = {
    "/v1/chat/completions": _openai_of("openai"),
    "/local/v1/chat/completions": _openai_of("local"),
    "/v1/messages": Protocol(
        "anthropic",
        _read_anthropic,
        anthropic_refusal,
        lambda cache, asked, body: cache.anthropic(asked.model, body),
        _write_anthropic,
        _anthropic_error,
    ),
}


def fingerprint(agent: str, conversation: Conversation) -> str:
    """Return what identifies a conversation in every run of the same seed: not its caller."""
    last = conversation.messages[-1].text if conversation.messages else ""
    return digest(agent, conversation.task, str(len(conversation.messages)), last, length=16)
