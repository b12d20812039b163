"""What stands in for the world in tests: a model that says what it is told to say.

Fakes, no mocks: they implement the same protocols as the real things and record what happened.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from activities.providers.base import ProviderError, ProviderReply, Shape, Wire, assistant
from domain.budget import Usage
from domain.messages import Message, ToolCall


@dataclass(frozen=True)
class Asked:
    """A request as the provider saw it."""

    agent: str
    purpose: str
    model: str
    max_output_tokens: int
    messages: tuple[Message, ...]

    @property
    def said(self) -> str:
        """The last message's text."""
        return self.messages[-1].text

    @property
    def results(self) -> list[str]:
        """The texts of all tool messages, in order."""
        return [message.text for message in self.messages if message.role == "tool"]


@dataclass(frozen=True)
class Say:
    """A reply: text or calls, and what it is said to have used."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish: str = ""
    usage: Usage = field(default=Usage(input_tokens=20, output_tokens=10))
    logprobs: Mapping[str, float] = field(default_factory=dict[str, float])

    def reply(self, model: str) -> ProviderReply:
        """Return it in the provider's words."""
        finish = self.finish or ("tool_calls" if self.calls else "stop")
        message = assistant(self.text, self.calls)
        return ProviderReply(message, finish, self.usage, model, self.logprobs)


class Never:
    """A reply that does not come."""


Step = Say | str | Never | ProviderError
Script = Sequence[Step] | Callable[[Asked], Step]


def call(name: str, /, **arguments: Any) -> Say:
    """Say one tool call."""
    return calls((name, arguments))


def calls(*wanted: tuple[str, dict[str, Any] | str]) -> Say:
    """Say several tool calls in one turn; a `str` is sent as the arguments' text."""
    made = tuple(
        ToolCall(
            id=f"call-{number}",
            name=name,
            arguments=arguments if isinstance(arguments, str) else json.dumps(arguments),
        )
        for number, (name, arguments) in enumerate(wanted)
    )
    return Say(calls=made)


def answer(**fields: Any) -> Say:
    """Say a typed answer."""
    return Say(json.dumps(fields))


@dataclass
class ScriptedProvider:
    """A model that follows a script, in memory.

    `asked` has every request that was sent, `sold` those that were answered and so paid for.
    A list is followed in order; behind its end the route is unusable, which stops a run.
    """

    script: Script
    vendor: str = "openai"
    stand_in: bool = True
    asked: list[Asked] = field(default_factory=list[Asked])
    sold: list[Asked] = field(default_factory=list[Asked])

    def wire(self, message: Message) -> Wire:
        """Serialise one message whole, so that a test can read it back."""
        fields = message.model_dump(mode="python")
        return Wire(message.role, json.dumps(fields).encode("utf-8"))

    def body(self, shape: Shape, transcript: Sequence[Wire]) -> bytes:
        """Join a request."""
        head = {
            "agent": _asked_as(shape),
            "purpose": shape.aside.purpose if shape.aside else shape.purpose,
            "model": shape.model,
            "max_output_tokens": shape.max_output_tokens,
        }
        return orjson.dumps(head) + b"\n" + b"\n".join(wire.raw for wire in transcript)

    async def complete(self, body: bytes) -> ProviderReply:
        """Answer by the script."""
        head, *lines = body.split(b"\n")
        messages = tuple(Message.model_validate(json.loads(line)) for line in lines)
        asked = Asked(messages=messages, **orjson.loads(head))
        self.asked.append(asked)
        step = self.script(asked) if callable(self.script) else self._next(asked)
        if isinstance(step, Never):
            await asyncio.Event().wait()
        if isinstance(step, ProviderError):
            raise step
        said = Say(step) if isinstance(step, str) else step
        assert isinstance(said, Say)
        self.sold.append(asked)
        return said.reply(asked.model)

    def _next(self, asked: Asked) -> Step:
        assert not callable(self.script)
        if len(self.asked) > len(self.script):
            reason = f"the script has no reply number {len(self.asked)} to {asked.said!r}"
            return ProviderError(reason, retryable=False, billed=False)
        return self.script[len(self.asked) - 1]

    async def close(self) -> None:
        """Nothing is open."""

    @property
    def bought_twice(self) -> int:
        """Replies to what had been answered already: the same step was paid for again."""
        seen = [(asked.purpose, tuple(m.id for m in asked.messages)) for asked in self.sold]
        return len(seen) - len(set(seen))


def refused(reason: str = "401: the key is wrong") -> ProviderError:
    """Return a failure that no other attempt mends."""
    return ProviderError(reason, retryable=False, billed=False)


def busy(reason: str = "503: try again") -> ProviderError:
    """Return a failure that another attempt may mend, at once."""
    return ProviderError(
        reason, retryable=True, billed=False, retry_after=timedelta(milliseconds=20)
    )


def _asked_as(shape: Shape) -> str:
    name = shape.spec.name
    return f"{name}_{shape.aside.purpose}" if shape.aside else name
