"""What tests of model calls share: a spec, a conversation that grows, a ledger in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.llm import CallFacts, LLMActivities
from activities.providers.base import Provider, Shape, Wire
from activities.spend import Reserved, SpendLedger
from activities.transcripts import Transcripts
from domain.budget import Cap, Limits
from domain.messages import ROOT, Message, chain
from domain.spec import AgentSpec
from domain.thinking import Reply, ThinkRequest
from domain.tools import ToolSpec

VENDORS = ("openai", "anthropic")
MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-haiku-4-5"}
LOOKUP = ToolSpec(
    name="lookup",
    description="Look a key up.",
    parameters={
        "type": "object",
        "properties": {"key": {"type": "string"}},
        "required": ["key"],
        "additionalProperties": False,
    },
)
SCRIPT = '{"turns":3,"result_bytes":100,"latency_ms":0}'


def spec_of(vendor: str, **changes: Any) -> AgentSpec:
    """Return a spec whose offline rules are the bench agent's."""
    told: dict[str, Any] = {
        "name": "bench",
        "system": "Agent: bench (prompt v1)\nYou look keys up.",
        "tools": (LOOKUP,),
        "route": (f"{vendor}:{MODELS[vendor]}",),
        "limits": Limits(tokens=10**9, cost_usd=Decimal(10**6)),
    }
    return AgentSpec(**(told | changes))


def shape_of(spec: AgentSpec, **changes: Any) -> Shape:
    """Return the shape of a request with the spec's first route."""
    vendor, _, model = spec.route[0].partition(":")
    assert vendor in VENDORS
    told: dict[str, Any] = {
        "spec": spec,
        "spec_hash": spec.hash,
        "model": model,
        "purpose": "turn",
        "forbid": (),
        "max_output_tokens": 500,
        "caller": "caller",
    }
    return Shape(**(told | changes))


def body_of(provider: Provider, messages: Sequence[Message], shape: Shape | None = None) -> bytes:
    """Return a ready request."""
    wires: list[Wire] = [provider.wire(message) for message in messages]
    return provider.body(shape or shape_of(spec_of(provider.vendor)), wires)


class MemorySpend:
    """A spend ledger in memory."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int, str], tuple[int, Decimal, bool]] = {}

    async def reserve(
        self,
        lineage: str,
        turn: int,
        attempt: str,
        tokens: int,
        cost_usd: Decimal,
        *,
        tenant: str = "default",
    ) -> Reserved:
        """Put a worst case on the books."""
        del tenant  # without caps it does not matter whose it is
        self.rows[lineage, turn, attempt] = tokens, cost_usd, False
        mine = {key: row for key, row in self.rows.items() if key[0] == lineage}
        lost = [
            row for key, row in mine.items() if key[1] == turn and key[2] != attempt and not row[2]
        ]
        return Reserved(
            total_tokens=sum(row[0] for row in mine.values()),
            total_cost_usd=sum((row[1] for row in mine.values()), Decimal(0)),
            lost_tokens=sum(row[0] for row in lost),
            lost_cost_usd=sum((row[1] for row in lost), Decimal(0)),
        )

    async def settle(
        self, lineage: str, turn: int, attempt: str, tokens: int, cost_usd: Decimal
    ) -> None:
        """Put what it cost in the reservation's place."""
        self.rows[lineage, turn, attempt] = tokens, cost_usd, True


@dataclass
class Conversation:
    """What a workflow would hold: the transcript, its head, and what the worker has."""

    llm: LLMActivities
    spec: AgentSpec
    lineage: str = field(default_factory=lambda: f"run-{uuid4().hex}")
    messages: list[Message] = field(default_factory=list[Message])
    held: int = 0
    turn: int = 1
    env: ActivityEnvironment = field(default_factory=ActivityEnvironment)

    @property
    def head(self) -> str:
        """The head after all messages."""
        return chain(ROOT, (message.id for message in self.messages))

    def say(self, *messages: Message) -> None:
        """Put messages behind the transcript."""
        self.messages += messages

    def request(self, **changes: Any) -> ThinkRequest:
        """Return the next call's input: by value what came after the last reply."""
        told: dict[str, Any] = {
            "lineage": self.lineage,
            "turn": self.turn,
            "spec": self.spec.hash,
            "base": chain(ROOT, (message.id for message in self.messages[: self.held])),
            "head": self.head,
            "new": tuple(self.messages[self.held :]),
            "cap": Cap(tokens=10_000, cost_usd=Decimal("0.10")),
            "max_output_tokens": 500,
        }
        return ThinkRequest(**(told | changes))

    def attempt(self, number: int) -> None:
        """Make the next call this attempt of its activity."""
        self.env.info = replace(self.env.info, attempt=number)

    async def think(self, **changes: Any) -> Reply:
        """Make one model call, and take its message in."""
        reply = await self.env.run(self.llm.think, self.request(**changes))
        self.say(reply.message)
        self.held = len(self.messages)
        self.turn += 1
        return reply

    def results(self, text: str = "found") -> list[Message]:
        """Return a result for each call of the last message."""
        calls = self.messages[-1].calls
        return [Message(role="tool", text=text, call_id=call.id) for call in calls]


def begin(
    llm: LLMActivities, transcripts: Transcripts, spec: AgentSpec, task: str = SCRIPT
) -> Conversation:
    """Return a conversation with its task, on a worker that holds its spec."""
    transcripts.remember_spec(spec)
    conversation = Conversation(llm, spec)
    conversation.say(Message(role="user", text=task))
    return conversation


class Worker:
    """What one worker process has, and what it reported."""

    def __init__(self, providers: Mapping[str, Provider], spend: SpendLedger) -> None:
        self.facts: list[CallFacts] = []
        self.transcripts = Transcripts()
        self.llm = LLMActivities(providers, self.transcripts, spend, self.facts.append)

    def begin(self, vendor: str, task: str = SCRIPT, **changes: Any) -> Conversation:
        """Return a conversation on this worker."""
        return begin(self.llm, self.transcripts, spec_of(vendor, **changes), task)


async def refusal(conversation: Conversation, **changes: Any) -> ApplicationError:
    """Return the failure that a model call ends with, which shows nothing but itself."""
    with pytest.raises(ApplicationError) as caught:
        await conversation.think(**changes)
    assert caught.value.__cause__ is None
    return caught.value
