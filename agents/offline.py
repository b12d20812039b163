"""What an agent's rules for the offline model are written with: a conversation in, a reply out.

The offline model is a stand-in for a language model: a process that sees the bytes of a request
and nothing else. An agent's `offline.py` offers `reply(conversation) -> Reply`, and may offer
`invent(conversation, reply, rng) -> Reply` (the same reply with a made-up finding in it),
`latency_ms(conversation) -> float` and `aside(purpose, conversation) -> Reply` for calls beside
the conversation, which else get what `agents/asides/<purpose>.py` says for all agents. It imports
this module and the standard library only.
"""

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Result(NamedTuple):
    """A tool's result as the model sees it, with the call that asked for it.

    `arguments` is empty where the model's own arguments were not a JSON object.
    """

    name: str
    arguments: dict[str, Any]
    text: str


class Said(NamedTuple):
    """A message without its tool calls; `role` is user, assistant or tool."""

    role: str
    text: str


@dataclass
class Conversation:
    """All that a model is shown.

    Attributes:
        system: The system prompt.
        task: The first user message.
        tools: Names of the tools that are offered.
        schemas: JSON Schema of each tool's arguments, by name.
        results: What tools have answered so far, in order.
        messages: Everything that was said, in order.
        asks_plan: A plan is wanted and nothing else.
        wants: JSON Schema that the final answer (or the plan) must fit; None for plain text.
        rng: Seeded by the request, so that the same request gets the same answer.
        turn: Which model call of the conversation this is, from 1.
    """

    system: str = ""
    task: str = ""
    tools: list[str] = field(default_factory=list[str])
    schemas: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    results: list[Result] = field(default_factory=list[Result])
    messages: list[Said] = field(default_factory=list[Said])
    asks_plan: bool = False
    wants: dict[str, Any] | None = None
    rng: random.Random = field(default_factory=random.Random)
    turn: int = 1

    def results_of(self, tool: str) -> list[Result]:
        """Return the results of `tool`, in order."""
        return [result for result in self.results if result.name == tool]


@dataclass(frozen=True)
class Call:
    """A tool call; `arguments` is an object, or text to be sent as it stands."""

    name: str
    arguments: Mapping[str, Any] | str


@dataclass(frozen=True)
class Reply:
    """What the stand-in says: calls, or an answer.

    Attributes:
        probable: How probable it finds a part of its text, 0 to 1, by that part; all else is
            certain. Told to those who ask, in the protocol that has words for it.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    probable: Mapping[str, float] = field(default_factory=dict[str, float])


def told(conversation: Conversation, words: str) -> bool:
    """Whether the system prompt says `words`, in whatever lines and case.

    A stand-in does what its prompt tells it, so that a prompt which no longer says something makes
    it worse, as it would a model. A prompt of no more than its first line leaves all as it is.
    """
    said = " ".join(conversation.system.partition("\n")[2].split()).lower()
    return not said or " ".join(words.split()).lower() in said


def call(name: str, /, **arguments: Any) -> Reply:
    """Reply with one tool call."""
    return Reply(calls=(Call(name, arguments),))


def calls(wanted: Iterable[tuple[str, Mapping[str, Any]]]) -> Reply:
    """Reply with several tool calls in one turn, each `(name, arguments)`."""
    return Reply(calls=tuple(Call(name, arguments) for name, arguments in wanted))


def answer(said: object) -> Reply:
    """Reply with the final answer: text as it stands, anything else as JSON."""
    if isinstance(said, str):
        return Reply(text=said)
    return Reply(text=json.dumps(said, ensure_ascii=False, default=str))


def plan(conversation: Conversation) -> Reply:
    """Reply with the plan an agent without an opinion has: one step naming each tool."""
    steps: list[dict[str, object]] = [
        {"action": f"use {name}", "tools": [name]} for name in conversation.tools
    ]
    return answer({"steps": steps or [{"action": "answer the task", "tools": list[str]()}]})
