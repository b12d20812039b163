"""What happened in a run, step by step, in the form that a page shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from commands.transcript import Transcript
from domain.budget import Limits
from domain.messages import Message
from domain.state import AgentState


class Budget(NamedTuple):
    """What a run may use; 0 for no limit."""

    steps: int = 0
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)

    @classmethod
    def of(cls, limits: Limits) -> "Budget":
        """Return the budget that `limits` set."""
        return cls(limits.steps, limits.tokens, limits.cost_usd)


class Chain(NamedTuple):
    """What recomputing the hash chain from the history came to."""

    holds: bool
    model_calls: int
    breaks: tuple[str, ...] = ()


class Phase(NamedTuple):
    """A stretch of a run, or a moment of it: what, from when to when, how often."""

    name: str
    began: datetime
    ended: datetime | None
    times: int = 1
    attempts: int = 1
    failed: int = 0


class Took(NamedTuple):
    """How long a model call took, and in how many attempts."""

    seconds: float
    attempts: int = 1


class Recorded(NamedTuple):
    """What the history has of a turn: the model's message, and results by call id."""

    message: Message
    results: Mapping[str, str]


@dataclass(frozen=True)
class Called:
    """A call that the model made, and what came back; None where nothing has."""

    name: str
    arguments: str
    result: str | None


@dataclass(frozen=True)
class ShownTurn:
    """One model call and what it led to, with what it cost and what was used by then.

    Attributes:
        taken_back: A backtrack has dropped it from the transcript.
        folded: It was folded into the memory; the model was shown it no more.
        planned: It was asked for the plan.
        kept: Its reply was kept from an earlier call, and cost nothing.
    """

    number: int
    model: str
    text: str
    calls: tuple[Called, ...]
    tokens: int
    cost_usd: Decimal
    tokens_by_then: int
    cost_by_then: Decimal
    taken_back: bool
    folded: bool
    planned: bool
    took: Took | None
    kept: bool = False


def turns(
    state: AgentState,
    took: Mapping[int, Took],
    recorded: Mapping[int, Recorded] | None = None,
) -> list[ShownTurn]:
    """Return the turns of a run; `took` and `recorded` by the turn's number, from 1.

    A turn that was folded away is shown as it is `recorded`.
    """
    results = {m.call_id: m.text for m in state.messages if m.role == "tool"}
    found: list[ShownTurn] = []
    tokens, cost = 0, Decimal(0)
    for number, turn in enumerate(state.turns, 1):
        said, brought = _reply(state.messages, turn.messages - 1), results
        if gone := not turn.messages:
            said, brought = (recorded or {}).get(number, (None, results))
        found.append(
            ShownTurn(
                number=number,
                model=turn.model,
                text=said.text if said else "",
                calls=_called(said, brought),
                tokens=turn.tokens - tokens,
                cost_usd=turn.cost_usd - cost,
                tokens_by_then=turn.tokens,
                cost_by_then=turn.cost_usd,
                taken_back=said is None and not gone,
                folded=gone,
                planned=number <= state.planned,
                took=took.get(number),
                kept=turn.cached,
            )
        )
        tokens, cost = turn.tokens, turn.cost_usd
    return found


def recorded(read: Transcript, before: Sequence[ShownTurn] = ()) -> list[ShownTurn]:
    """Return the turns of a run as its history alone has them; no worker is needed.

    Args:
        read: The history.
        before: Turns that a forked run has from the one it was forked from.
    """
    found = list(before)
    tokens = before[-1].tokens_by_then if before else 0
    cost = before[-1].cost_by_then if before else Decimal(0)
    for number, step in enumerate(read.turns, len(found) + 1):
        used = 0 if step.reply.cached else step.reply.usage.total
        tokens, cost = tokens + used, cost + step.reply.cost_usd
        found.append(
            ShownTurn(
                number=number,
                model=step.reply.model,
                text=step.reply.message.text,
                calls=_called(step.reply.message, step.results),
                tokens=used,
                cost_usd=step.reply.cost_usd,
                tokens_by_then=tokens,
                cost_by_then=cost,
                taken_back=False,
                folded=False,
                planned=step.purpose == "plan",
                took=Took(step.seconds, max(step.attempts, 1)),
                kept=step.reply.cached,
            )
        )
    return found


def turns_of(told: Transcript) -> list[ShownTurn]:
    """Return a run's turns as its history has them, those before a fork included."""
    state = told.request.state
    return recorded(told, turns(state, {}) if state is not None else ())


def _reply(messages: Sequence[Message], at: int) -> Message | None:
    """Return the model's message at `at`; None where a backtrack has taken it out."""
    said = messages[at] if 0 <= at < len(messages) else None
    return said if said is not None and said.role == "assistant" else None


def _called(said: Message | None, results: Mapping[str, str]) -> tuple[Called, ...]:
    calls = said.calls if said else ()
    return tuple(Called(call.name, call.arguments, results.get(call.id)) for call in calls)
