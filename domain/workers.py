"""What a worker is given and what it may answer: one typed task, one of three typed answers.

A worker keeps no state. All that it knows of earlier attempts, and of what people said, is in the
task that it is given; another attempt is another run.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

from domain.contract import Contract, Strict

Output = TypeVar("Output")
MAX_WORDS = 2_000


class Success(Strict, Generic[Output]):
    """The task is done."""

    kind: Literal["success"]
    output: Output


class Failure(Strict):
    """The task could not be done this time."""

    kind: Literal["failure"]
    reason: str = Field(min_length=1, max_length=MAX_WORDS, description="What went wrong.")


class NeedsHuman(Strict):
    """The task cannot be done before a person has answered a question."""

    kind: Literal["needs_human"]
    question: str = Field(min_length=1, max_length=MAX_WORDS, description="What is to be decided.")


class WorkerAnswer(Strict, Generic[Output]):
    """What every worker answers, with its own type of output."""

    result: Annotated[Success[Output] | Failure | NeedsHuman, Field(discriminator="kind")]


class Told(Contract):
    """What a person told a task that had asked."""

    question: str
    answer: str
    by: str = ""


class WorkerTask(Contract):
    """The one task that a worker is given, as JSON.

    Attributes:
        task: Its id.
        does: What is to be done, in words.
        input: Typed by the worker's input model.
        attempt: From 1.
        earlier: Why earlier attempts came to nothing.
        told: What people answered when the task had asked.
    """

    task: str
    does: str
    input: dict[str, Any]
    attempt: int = 1
    earlier: tuple[str, ...] = ()
    told: tuple[Told, ...] = ()


class WorkerCard(Contract):
    """A worker as the orchestrator knows it: what it does, takes and gives; never how.

    Attributes:
        takes: JSON Schema of its input.
        gives: JSON Schema of its output.
        files: Inputs of the goal that its tools read, for example `ledger`.
    """

    name: str
    description: str = ""
    takes: dict[str, Any] = Field(default={})
    gives: dict[str, Any] = Field(default={})
    files: tuple[str, ...] = ()

    @property
    def fields(self) -> frozenset[str]:
        """Names of the input's fields."""
        return frozenset(self.takes.get("properties", {}))

    @property
    def required(self) -> frozenset[str]:
        """Names of the fields that must be given."""
        return frozenset(self.takes.get("required", ()))
