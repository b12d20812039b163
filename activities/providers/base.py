"""What a vendor must offer, in no vendor's words.

A message is serialised for a vendor once and its bytes are kept; the head of a request (system
prompt, tools, response format) is serialised once per spec. A call joins bytes, and the vendor's
SDK sends them: its typed `create` would walk every message of the transcript at each call.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol

import orjson

from domain.budget import Usage
from domain.contract import canonical, digest
from domain.messages import Message, ToolCall
from domain.plan import Plan
from domain.spec import AgentSpec
from domain.thinking import Aside

PLAN_SCHEMA = Plan.model_json_schema()
PLAN_NAME = "plan"
NO_LOGPROBS: Mapping[str, float] = MappingProxyType({})
ANSWER_NAME = "answer"
_PLAN_PROMPT = (
    "\n\nBefore you begin, give your plan and nothing else: one JSON object with the steps that "
    "you will take, in order, each with the names of the tools it needs. Call no tool yet."
)
_HEADS = 200
_FIT_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_FIT_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")


class ProviderError(Exception):
    """A call that brought no answer.

    Attributes:
        reason: One line, without secrets.
        retryable: Another attempt may succeed.
        retry_after: How long the provider asked to wait, bounded.
        billed: The provider may have charged for the attempt.
        status: Of the HTTP answer; None where there was none.
    """

    def __init__(
        self,
        reason: str,
        *,
        retryable: bool,
        billed: bool,
        retry_after: timedelta | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retryable = retryable
        self.billed = billed
        self.retry_after = retry_after


@dataclass(frozen=True)
class Shape:
    """Everything of a request but the transcript.

    Attributes:
        spec_hash: The run's name for the spec, also where a newer worker would hash it otherwise.
        caller: Who calls, as the provider may know it: opaque, from `caller_of`.
        aside: The call is beside the conversation, with a prompt and a form of its own.
    """

    spec: AgentSpec
    spec_hash: str
    model: str
    purpose: Literal["turn", "plan"]
    forbid: tuple[str, ...]
    max_output_tokens: int
    caller: str
    aside: Aside | None = None

    @property
    def system(self) -> str:
        """The system prompt, with what the purpose and a format by instruction add to it."""
        if self.aside is not None:
            return f"Agent: {self.spec.name}_{self.aside.purpose}\n\n{self.aside.system}"
        text = self.spec.system
        if self.purpose == "plan":
            return text + _PLAN_PROMPT
        return text

    @property
    def wanted(self) -> tuple[str, dict[str, Any]] | None:
        """Name and JSON Schema of what the model must say, if it is not plain text."""
        if self.purpose == "plan":
            return PLAN_NAME, PLAN_SCHEMA
        schema = self.aside.answer_schema if self.aside else self.spec.answer_schema
        return (ANSWER_NAME, schema) if schema is not None else None

    @property
    def may_call(self) -> bool:
        """Whether the model may call a tool in this turn."""
        if self.aside is not None or self.purpose == "plan":
            return False
        return any(t.name not in self.forbid for t in self.spec.tools)

    @property
    def offered(self) -> list[Any]:
        """The tools to describe: all, where none may be called, since a plan names them."""
        if self.aside is not None and not self.aside.reads:
            return []
        tools = self.spec.tools
        return [t for t in tools if t.name not in self.forbid] if self.may_call else list(tools)


class ProviderReply(NamedTuple):
    """What a model said, in no vendor's words.

    Attributes:
        logprobs: Of each simple field of a JSON answer, where the vendor tells.
    """

    message: Message
    finish: str
    usage: Usage
    model: str
    logprobs: Mapping[str, float] = NO_LOGPROBS


class Wire(NamedTuple):
    """A message as a vendor reads it; what the bytes are is the vendor's business."""

    role: str
    raw: bytes


class Provider(Protocol):
    """One vendor's wire format and connection.

    Attributes:
        vendor: Name in routes, and of the wire format.
        stand_in: The offline model answers, not the vendor.
    """

    vendor: str
    stand_in: bool

    def wire(self, message: Message) -> Wire:
        """Serialise one message."""
        ...

    def body(self, shape: Shape, transcript: Sequence[Wire]) -> bytes:
        """Join a request, ready to be sent."""
        ...

    async def complete(self, body: bytes) -> ProviderReply:
        """Send a ready request. Not idempotent: each call is billed.

        Raises:
            ProviderError: There is no answer; says whether another attempt makes sense.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class Heads:
    """Heads of requests, serialised once per spec, model, purpose and forbidden tools."""

    def __init__(self, write: Callable[[Shape], bytes]) -> None:
        self._write = write
        self._kept: OrderedDict[tuple[object, ...], bytes] = OrderedDict()

    def of(self, shape: Shape) -> bytes:
        """Return the head of `shape`'s request."""
        aside = canonical(shape.aside.model_dump(exclude={"text"})) if shape.aside else b""
        key = (shape.spec_hash, shape.model, shape.purpose, shape.forbid, aside)
        head = self._kept.get(key)
        if head is None:
            head = self._kept[key] = self._write(shape)
            while len(self._kept) > _HEADS:
                self._kept.popitem(last=False)
        return head


def caller_of(lineage: str) -> str:
    """Return the opaque id under which a provider knows a logical run."""
    return digest("caller", lineage)


def by_instruction(schema: dict[str, Any]) -> str:
    """Return what asks for a format that the provider cannot enforce."""
    wanted = canonical(schema).decode("utf-8", "replace")
    return f"\n\nYour final answer is one JSON value and nothing else, of this schema: {wanted}"


def as_json(value: Any) -> bytes:
    """Serialise for a provider; a lone surrogate, which UTF-8 cannot hold, becomes `?`."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def fit_id(call_id: str) -> str:
    """Return the id of a call as every vendor takes it.

    A conversation goes on at another vendor with the ids that the first one gave: Anthropic
    refuses all but letters, digits, `_` and `-`, OpenAI what is longer than 40 characters.
    """
    return call_id if _FIT_ID.fullmatch(call_id) else f"call_{digest(call_id)}"


def fit_name(name: str) -> str:
    """Return a tool's name as every vendor takes it, whatever a model has invented."""
    return name if _FIT_NAME.fullmatch(name) else _UNFIT.sub("_", name)[:64] or "unnamed"


def sound(text: str) -> str:
    """Return `text` without lone surrogates, which a history could not record."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def assistant(text: str, calls: Sequence[ToolCall]) -> Message:
    """Return the message of a reply, with every field set so that it is recorded.

    Calls are told apart by their ids from here on, and some servers leave them out or repeat
    them: such a call gets another.
    """
    named: dict[str, ToolCall] = {}
    for number, call in enumerate(calls, 1):
        call_id = call.id or f"call_{number}"
        while call_id in named:
            call_id += f"_{number}"
        named[call_id] = call if call_id == call.id else call.model_copy(update={"id": call_id})
    return Message(role="assistant", text=text, calls=tuple(named.values()), call_id="")
