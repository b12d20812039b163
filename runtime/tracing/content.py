"""What was said, for those who have asked for it: the texts of prompts, replies, calls, results.

Off unless `HOLDFAST_TRACE_CONTENT` is set, and without personal data and secrets even then. The
form is that of `gen_ai.input.messages` in OpenTelemetry's conventions: JSON in one attribute.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from domain.acting import ActOutcome, ActRequest
from domain.messages import ROOT, Message, link
from domain.spec import AgentSpec
from domain.thinking import Reply, ThinkRequest
from runtime.tracing.genai import Put

# Of one attribute; collectors refuse requests of a few megabytes.
_MOST_CHARS: Final = 60_000
_MOST_TEXT: Final = 20_000

Redact = Callable[[str], str]


class Conversation:
    """Follows a run's transcript, so that a call's span can show what the model was shown."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact
        self._said: list[Message] = []
        self._head = ROOT
        self._known: dict[str, Message] = {}

    def begin(self, messages: Sequence[Message], head: str) -> None:
        """Take over the transcript that an execution starts with."""
        self._said, self._head = list(messages), head
        self._known = {message.id: message for message in messages}

    def ran(self, call_id: str, outcome: ActOutcome) -> None:
        """Note what a tool said."""
        message = Message(role="tool", text=outcome.text, call_id=call_id)
        self._known[message.id] = message

    def shown(self, request: ThinkRequest) -> list[Message]:
        """Return what a call is shown: all of it where it is known, else what is new."""
        before = self._said if request.base == self._head else []
        new = [self._known.get(m) if isinstance(m, str) else m for m in request.new]
        return [*before, *(message for message in new if message is not None)]

    def think(self, request: ThinkRequest, spec: AgentSpec | None) -> Put:
        """Return what a model is asked."""
        shown = self.shown(request)
        if request.aside is None:
            self._said = shown
        system = request.aside.system if request.aside else spec.system if spec else ""
        put: Put = {"gen_ai.input.messages": self._written(shown)}
        if system:
            part = {"type": "text", "content": self._text(system)}
            put["gen_ai.system_instructions"] = _json([part])
        if spec is not None and request.aside is None and request.purpose == "turn":
            put["gen_ai.tool.definitions"] = _json(_definitions(spec, request.forbid))
        return put

    def reply(self, request: ThinkRequest, reply: Reply) -> Put:
        """Return what it says."""
        if request.aside is None:
            self._said = [*self._said, reply.message]
            self._head = link(request.head, reply.message.id)
            # What is not shown next is never named again by its id.
            self._known = {}
        message = {**self._message(reply.message), "finish_reason": reply.finish}
        return {"gen_ai.output.messages": _json([message])}

    def tool(self, request: ActRequest) -> Put:
        """Return what a tool is asked."""
        return {"gen_ai.tool.call.arguments": self._text(_json(request.arguments))}

    def outcome(self, outcome: ActOutcome) -> Put:
        """Return what a tool says."""
        return {"gen_ai.tool.call.result": self._text(outcome.text)}

    def task(self, text: str) -> Put:
        """Return what a run is asked."""
        return {"gen_ai.input.messages": self._written([Message(role="user", text=text)])}

    def answer(self, answer: Any) -> Put:
        """Return what it answers."""
        text = answer if isinstance(answer, str) else _json(answer)
        said = Message(role="assistant", text=text)
        return {"gen_ai.output.messages": self._written([said])}

    def _written(self, messages: Sequence[Message]) -> str:
        """Return the last of `messages`, as many as fit."""
        parts: list[str] = []
        size = 0
        for message in reversed(messages):
            part = _json(self._message(message))
            size += len(part)
            if size > _MOST_CHARS:
                left = len(messages) - len(parts)
                told = f"({left} earlier messages are left out)"
                said = {"role": "user", "parts": [{"type": "text", "content": told}]}
                return f"[{', '.join([_json(said), *reversed(parts)])}]"
            parts.append(part)
        return f"[{', '.join(reversed(parts))}]"

    def _message(self, message: Message) -> dict[str, Any]:
        text = self._text(message.text)
        if message.role == "tool":
            part = {"type": "tool_call_response", "id": message.call_id, "response": text}
            return {"role": "tool", "parts": [part]}
        parts: list[dict[str, Any]] = [{"type": "text", "content": text}] if text else []
        parts += [
            {
                "type": "tool_call",
                "id": call.id,
                "name": call.name,
                "arguments": self._text(call.arguments),
            }
            for call in message.calls
        ]
        return {"role": message.role, "parts": parts}

    def _text(self, text: str) -> str:
        cut = text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"
        return self._redact(cut)


def _definitions(spec: AgentSpec, withheld: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        }
        for tool in spec.tools
        if tool.name not in withheld
    ]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
