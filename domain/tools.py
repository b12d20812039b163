"""What a tool declares about itself, as data that a run keeps from its start."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

from pydantic import Field

from domain.contract import Contract, canonical, digest

FLAG = "flag"
STOP = "stop"

Kind = Literal["call", "processing", "command"]
# Seconds one attempt may take where nothing is declared, and at most.
_SECONDS: Mapping[Kind, tuple[float, float]] = {
    "call": (30, 60),
    "processing": (300, 600),
    "command": (600, 1200),
}


class Effect(StrEnum):
    """What a tool does to the world."""

    READ = "read"
    WRITE = "write"
    IRREVERSIBLE = "irreversible"


class ToolSpec(Contract):
    """A tool as the model and the policies see it.

    Attributes:
        parameters: JSON Schema (2020-12) of the arguments; no unknown properties.
        timeout_s: Seconds one attempt may take.
        attempts: Attempts for transient failures; a write without a key has one.
        idempotent: The tool honours the idempotency key, so it may be retried freely.
        reconciles: It can say, for a key, whether its effect happened.
        fallback: `flag` (the gap is told to the model), `stop` (the run stops and a person
            decides) or the name of another tool that takes the same arguments.
        compensation: Name of the tool that undoes a completed call; empty for none.
        result_bytes: UTF-8 bytes of a result that the model sees; the rest is an artifact.
        polling: Repeating the same call is its purpose; the loop detector looks away.
        agent: A call is a run of this agent, below the run that calls; empty for a function.
        share: Part of the calling run's budget that such a run may use at most.
        hand_off: The agent goes on instead of the one that calls; the call has no result.
        queue: Task queue of its own, where the tool has a rate limit; empty for the run's.
        rate_per_second: Limit of that queue over all workers; 0 for none.
        kind: A `call` answers in seconds, `processing` takes minutes, a `command` is a person's
            program and has their limit; each has its most.
        select: A call may name the fields of the result that it needs.
        second_check: A function of its author's looks at each call right before its effect.
        source: Whose words a result is: the operator's own system's, those of strangers, or
            `kept`: a page of an earlier result, and as that one was.
        memory: A call is told whose long-term memory it may use.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    effect: Effect = Effect.READ
    timeout_s: float = 30
    attempts: int = Field(default=3, ge=1)
    idempotent: bool = False
    reconciles: bool = False
    fallback: str = FLAG
    compensation: str = ""
    result_bytes: int = 16_000
    polling: bool = False
    agent: str = ""
    share: float = Field(default=0.25, gt=0, le=1)
    hand_off: bool = False
    queue: str = ""
    rate_per_second: float = 0
    kind: Kind = "call"
    select: bool = False
    second_check: bool = False
    source: Literal["ours", "outside", "kept"] = "ours"
    memory: bool = False

    @cached_property
    def schema_hash(self) -> str:
        """Changes when a call that was valid may no longer be, or may mean something else."""
        return digest(canonical([self.name, self.parameters, self.effect]), length=12)

    @property
    def writes(self) -> bool:
        """Whether a call changes something outside the run."""
        return self.effect is not Effect.READ

    @property
    def tries(self) -> int:
        """Attempts that are safe: a write that does not honour its key is tried once."""
        return self.attempts if not self.writes or self.idempotent else 1


def hard_timeout(name: str, kind: Kind, declared: float | None) -> float:
    """Return how many seconds one attempt of a tool may take.

    Raises:
        ValueError: Its kind does not take that long.
    """
    usual, most = _SECONDS[kind]
    seconds = usual if declared is None else declared
    if 0 < seconds <= most:
        return seconds
    other = "; declare kind='processing' for one that takes minutes" if kind == "call" else ""
    raise ValueError(
        f"tool {name!r} has a timeout of {seconds:g} s: a {kind!r} tool has more than 0 and at "
        f"most {most:g}{other}"
    )


def idempotency_key(
    lineage: str, turn: int, position: int, tool: str, arguments: dict[str, Any]
) -> str:
    """Return the key of one effect: stable over retries and resumes of a logical run.

    It leaves the model's call id out, which changes when a resumed run asks again.
    """
    return digest(lineage, str(turn), str(position), tool, canonical(arguments))
