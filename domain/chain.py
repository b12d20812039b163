"""A chain: typed steps in sequence, each given what it declares that it needs and no more."""

import math
from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from domain.budget import LimitsOverride
from domain.contract import Contract, Strict, canonical
from domain.runs import Outcome, RunRequest, RunResult, RunState

INPUT: Final = "input"
STEP_AGENT: Final = "step"
MOST_STEPS: Final = 50
MOST_HANDED: Final = 150_000
"""Bytes of what one step is given; an agent's task has little more room."""
_BYTES_A_TOKEN: Final = 4


class Take(Contract):
    """Where a field of a step's input comes from, and how much of it is handed on.

    Attributes:
        of: `step.field` or `input.field`; empty: the nearest step before that makes the field.
        most: Characters, of text or of JSON; 0: all of it.
        longer: What happens to a value that has more: a text is cut at its end and a list
            after its last item that fits; a text is summarised by a run of its own; the chain
            ends.
    """

    of: str = ""
    most: int = Field(default=0, ge=0)
    longer: Literal["cut", "summarise", "refuse"] = "cut"


class ChainStep(Contract):
    """One step.

    Attributes:
        agent: Whose run it is; the generic one follows `instruction`.
        input: JSON Schema of what it is given: an object, whose properties are what it needs.
        take: How each of those comes to it, where that is not by its name alone.
        output: JSON Schema of what it answers: an object.
        limits: What differs from the agent's limits.
        inputs: Data for the tools of an agent of its own, which no model sees.
    """

    name: str = ""
    agent: str = STEP_AGENT
    instruction: str = ""
    input: dict[str, Any] = Field(default_factory=dict)
    take: dict[str, Take] = Field(default_factory=dict[str, Take])
    output: dict[str, Any] = Field(default_factory=dict)
    limits: LimitsOverride | None = None
    inputs: dict[str, str] = Field(default_factory=dict)


class ChainRequest(RunRequest):
    """Starts a chain. Every field has a default, so that `{}` is a refusal and not a crash.

    Attributes:
        title: What it is for, in lists.
        input: JSON Schema of what the chain is given: an object.
        steps: In order.
        given: What it is given.
        state: Set by continue-as-new.
    """

    title: str = ""
    input: dict[str, Any] = Field(default_factory=dict)
    steps: tuple[ChainStep, ...] = ()
    given: dict[str, Any] = Field(default_factory=dict)
    state: "ChainState | None" = None


class StepDone(Contract):
    """What a step came to, and what it cost in words.

    The tokens are estimates, four bytes each, so that what was produced and what was handed on
    are counted alike; `used_tokens` is what the provider billed.

    Attributes:
        given_tokens: Of what it was given.
        produced_tokens: Of what it answered.
        handed_tokens: Of what later steps were given of its answer.
        cut: The fields of its input that were shortened, and how.
    """

    name: str
    agent: str
    run_id: str = ""
    outcome: Outcome
    reason: str = ""
    answer: Any = None
    given_tokens: int = 0
    produced_tokens: int = 0
    handed_tokens: int = 0
    used_tokens: int = 0
    cut: tuple[str, ...] = ()


class ChainState(RunState):
    """All that a chain remembers.

    Attributes:
        done: The steps that have ended, in order.
    """

    done: list[StepDone] = Field(default_factory=list[StepDone])


class ChainResult(RunResult):
    """What a chain came to.

    Attributes:
        answer: The last step's; None where the chain did not come that far.
        steps: What each step came to, the one that failed last.
        failed: The step that ended the chain; empty where none did.
        waiting: The steps that were not begun.
        produced_tokens: Of all answers that a later step could have been given (estimated).
        handed_tokens: Of what later steps were given of them (estimated).
    """

    title: str = ""
    answer: Any = None
    steps: tuple[StepDone, ...] = ()
    failed: str = ""
    waiting: tuple[str, ...] = ()
    produced_tokens: int = 0
    handed_tokens: int = 0


class CheckValueRequest(Contract):
    """A value that is to fit a schema."""

    value: Any
    value_schema: dict[str, Any]


class Problems(Contract):
    """What is wrong, one sentence each."""

    problems: tuple[str, ...] = ()


def tokens(value: Any) -> int:
    """Return about how many tokens `value` is for a model: one for four bytes of its JSON."""
    return math.ceil(len(canonical(value)) / _BYTES_A_TOKEN)


# --- as a person writes it: an unknown name is an error, not noise


class TakeWritten(Take):
    """A `take` of a chain's file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StepWritten(ChainStep):
    """A step of a chain's file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    take: dict[str, TakeWritten] = Field(default_factory=dict[str, TakeWritten])  # pyright: ignore[reportIncompatibleVariableOverride] - read only


class ChainWritten(Strict):
    """A chain's file: what is run, without what it is given and who asks."""

    title: str = Field(default="", max_length=200)
    input: dict[str, Any] = Field(default_factory=dict)
    steps: tuple[StepWritten, ...] = ()
