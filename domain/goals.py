"""A goal as a person writes it: inputs, workers, tasks, phases and what must hold between them.

Everything here is data. What is wrong with a goal is found before anything starts, by
`domain/taskgraph.py`; whether what came out agrees with itself, by `domain/coherence.py`.
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Final, Self, cast

from pydantic import Field, field_validator, model_validator

from domain.budget import LimitsOverride
from domain.contract import Strict, canonical

MAX_TASKS: Final = 200
MAX_GOAL_BYTES: Final = 200_000
DEFAULT_PHASE: Final = "work"
PATH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+|\[\*\])*")

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Path = Annotated[str, Field(pattern=rf"^{PATH.pattern}$", max_length=200)]


class Rule(Strict):
    """One thing that must hold over everything that is known at a checkpoint.

    A path is the name of an input or an output, then fields: `profile.account`; `[*]` goes
    through a list: `recurring.payments[*].amount`. Exactly one of the rules is given.

    Attributes:
        same: All values at these paths are equal.
        at_most: No value at the first path is above any at the second.
        among: Every value at the first path is one of those at the second.
        sum: The values at the first path add up to the one at the second, to a hundredth.
        present: There is something at each of these paths.
        why: What it means when the rule is broken, for the person who is asked.
    """

    same: tuple[Path, ...] = ()
    at_most: tuple[Path, Path] | None = None
    among: tuple[Path, Path] | None = None
    sum: tuple[Path, Path] | None = None
    present: tuple[Path, ...] = ()
    why: str = Field(default="", max_length=500)

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        kinds = ("same", "at_most", "among", "sum", "present")
        given = [kind for kind in kinds if getattr(self, kind)]
        if len(given) != 1:
            raise ValueError(f"a rule has exactly one of {', '.join(kinds)}; found {given}")
        if self.same and len(self.same) == 1:
            raise ValueError("'same' compares two paths or more")
        return self

    @property
    def kind(self) -> str:
        """Which of the rules it is."""
        kinds = ("same", "at_most", "among", "sum", "present")
        return next(kind for kind in kinds if getattr(self, kind))

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that it looks at."""
        return tuple(getattr(self, self.kind))

    @property
    def names(self) -> frozenset[str]:
        """The inputs and outputs that it looks at."""
        return frozenset(re.split(r"[.\[]", path, maxsplit=1)[0] for path in self.paths)


class Phase(Strict):
    """Tasks that belong together, and what must hold before the next ones begin."""

    name: Name
    holds: tuple[Rule, ...] = Field(default=(), max_length=50)


class Task(Strict):
    """One task for one worker.

    Attributes:
        worker: Empty: the orchestrator chooses one.
        does: What is to be done, in words.
        needs: Field of the worker's input to the input of the goal, or the output of another
            task, that goes there; a list of names stands for fields of the same names.
        give: Fields of the worker's input that are given here, as they stand.
        output: What its output is called; the task's id where nothing is said.
        phase: The earliest that its needs allow, where nothing is said.
        attempts: Instead of the goal's.
        limits: Of one attempt, instead of the worker's own.
    """

    id: Name
    worker: str = ""
    does: str = Field(default="", max_length=4_000)
    needs: dict[str, str] = Field(default={})
    give: dict[str, Any] = Field(default={})
    output: str = Field(default="", pattern=r"^([a-z][a-z0-9_-]{0,39})?$")
    phase: str = ""
    attempts: int | None = Field(default=None, ge=1, le=20)
    limits: LimitsOverride | None = None

    @field_validator("needs", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if isinstance(value, list):
            names = cast("list[Any]", value)
            return {str(name): name for name in names}
        return value

    @property
    def gives(self) -> str:
        """What its output is called."""
        return self.output or self.id


class Goal(Strict):
    """What is to be achieved, with what, by whom, and within which limits.

    Attributes:
        goal: In words.
        inputs: By name: a value, or `{"file": PATH}` for one that the workers' tools read.
        workers: Names of those that may be used; empty for all.
        tasks: Declared by hand; empty: the orchestrator plans them.
        phases: In order; one, where nothing is said.
        agree: Inputs that every output with a field of that name must repeat unchanged.
        result: Output that is shown first.
        attempts: Of a task, before it goes to the dead letters.
        backoff_s: Seconds before the second attempt; doubled for each further one.
        parallel: Workers at once.
        limits: Of one attempt of any task, instead of the workers' own.
        tokens: All runs together may use so many.
        cost_usd: All runs together may cost so much.
    """

    goal: str = Field(min_length=1, max_length=4_000)
    inputs: dict[Name, Any] = Field(default={}, max_length=100)
    workers: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = Field(default=(), max_length=MAX_TASKS)
    phases: tuple[Phase, ...] = Field(default=(), max_length=20)
    agree: tuple[Name, ...] = ()
    result: str = ""
    attempts: int = Field(default=3, ge=1, le=20)
    backoff_s: float = Field(default=2, ge=0, le=3_600)
    parallel: int = Field(default=4, ge=1, le=50)
    limits: LimitsOverride | None = None
    tokens: int | None = Field(default=None, ge=1)
    cost_usd: Decimal | None = Field(default=None, ge=0)

    @property
    def phase_names(self) -> tuple[str, ...]:
        """The phases' names, in order."""
        return tuple(phase.name for phase in self.phases) or (DEFAULT_PHASE,)

    @property
    def files(self) -> dict[str, str]:
        """Paths of the inputs that tools read, by name."""
        return {name: path for name, value in self.inputs.items() if (path := file_of(value))}

    @property
    def values(self) -> dict[str, Any]:
        """The inputs that tasks can be given, by name."""
        return {name: value for name, value in self.inputs.items() if not file_of(value)}

    @property
    def routed(self) -> bool:
        """Whether nothing is left to the orchestrator: there are tasks, and each has a worker."""
        return bool(self.tasks) and all(task.worker for task in self.tasks)

    @property
    def size(self) -> int:
        """Bytes of it as JSON."""
        return len(canonical(self.model_dump(mode="json")))


def file_of(value: Any) -> str:
    """Return the path of an input that is a file, nothing for any other input."""
    if not isinstance(value, dict):
        return ""
    found = cast("dict[str, Any]", value)
    path = found.get("file")
    return path if isinstance(path, str) and len(found) == 1 else ""


class Need(Strict):
    """Where a field of a worker's input comes from."""

    field: str = Field(description="Field of the worker's input.")
    name: str = Field(description="Input of the goal, or output of another task, that goes there.")


class PlannedTask(Strict):
    """A task as the orchestrator plans it."""

    id: str = Field(description="Lower case letters, digits, - and _.")
    worker: str = Field(description="Name of one of the workers.")
    does: str = Field(description="What is to be done, in one or two sentences.")
    needs: tuple[Need, ...]
    output: str = Field(description="What its output is called.")
    phase: str = Field(description="Name of a phase; empty where no phases are given.")


class Planned(Strict):
    """The orchestrator's plan: every task, its worker, and what it depends on."""

    tasks: tuple[PlannedTask, ...] = Field(min_length=1, max_length=50)


class PlanningTask(Strict):
    """What the orchestrator is asked: a goal and who could work on it.

    Attributes:
        goal: The goal; long inputs are cut, since the plan does not depend on them.
        workers: JSON of each `WorkerCard`.
        refused: What was wrong with the plan before this one.
    """

    goal: Goal
    workers: tuple[dict[str, Any], ...]
    refused: tuple[str, ...] = ()
