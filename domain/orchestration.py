"""A goal that an orchestrator plans and workers carry out: the request, the memory, the result."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.checkpoint import Checkpoint
from domain.contract import Contract
from domain.goals import Goal
from domain.runs import RunRequest, RunResult, RunState
from domain.workers import Told, WorkerCard

ORCHESTRATOR: Final = "orchestrator"
Standing = Literal["waiting", "running", "asked", "retry", "done", "failed", "not_done"]


class TaskMemory(BaseModel):
    """What has become of one task.

    Attributes:
        attempts: Failed or not, those that count.
        runs: Runs that were made for it, also after a person's answer.
        due_at: In the retry queue: not before.
        earlier: Why its attempts came to nothing.
        told: What people answered it.
        question: What it asks, while it asks.
        run_id: Its last run.
        letter: Id of its dead letter.
        final: No further attempt may be made, whatever is left of them.
    """

    model_config = ConfigDict(extra="ignore")

    def model_post_init(self, _: Any) -> None:
        """Count every field as set: the converter drops unset ones, and these change in place."""
        self.model_fields_set.update(type(self).model_fields)

    standing: Standing = "waiting"
    attempts: int = 0
    runs: int = 0
    due_at: datetime | None = None
    earlier: list[str] = Field(default=[])
    told: list[Told] = Field(default=[])
    question: str = ""
    reason: str = ""
    run_id: str = ""
    letter: str = ""
    final: bool = False


class OrchestrationState(RunState):
    """All that an orchestrated run remembers.

    Attributes:
        goal: The goal with its tasks; None before they are planned.
        planned_by: `hand` or `orchestrator`.
        cards: The workers, as they were when the run began.
        files: Where tools read the goal's files, by the inputs' names.
        tasks: What has become of each task, by its id.
        outputs: What the tasks gave, by the outputs' names, with what the run was handed.
        phase: Index of the phase under way.
        checkpoints: What was found between phases.
        out_of_room: The budget had no room for a task.
        plans: Plans that the orchestrator was asked for.
    """

    goal: Goal | None = None
    planned_by: str = ""
    cards: dict[str, WorkerCard] = Field(default={})
    files: dict[str, str] = Field(default={})
    tasks: dict[str, TaskMemory] = Field(default={})
    outputs: dict[str, Any] = Field(default={})
    phase: int = 0
    checkpoints: list[Checkpoint] = Field(default=[])
    out_of_room: bool = False
    plans: int = 0


class OrchestrationRequest(RunRequest):
    """Plans a goal, has workers do its tasks, and checks that what they give agrees.

    Attributes:
        goal: A goal as JSON, or the text of a GOAL.yaml.
        outputs: Outputs of an earlier run that tasks can be given, by name.
    """

    goal: Any = None
    outputs: dict[str, Any] = Field(default={})
    state: OrchestrationState | None = None


class TaskResult(Contract):
    """How one task ended.

    Attributes:
        standing: `done`, `failed` (for good, with a dead letter) or `not_done`; while the run
            is under way also `waiting`, `running`, `asked` and `retry`, the retry queue.
        due_at: In the retry queue: not before.
        letter: Id of its dead letter, for `dead-letters requeue`.
    """

    id: str
    worker: str
    phase: str = ""
    output: str = ""
    standing: Standing
    attempts: int = 0
    reason: str = ""
    run_id: str = ""
    letter: str = ""
    due_at: datetime | None = None


class OrchestrationResult(RunResult):
    """What an orchestrated run came to.

    Attributes:
        planned_by: `hand` or `orchestrator`.
        tasks: In the order in which they were planned.
        outputs: What the tasks gave, by the outputs' names.
        result: Name of the output that is shown first.
        checkpoints: What was found between phases.
    """

    goal: str = ""
    planned_by: str = ""
    tasks: tuple[TaskResult, ...] = ()
    outputs: dict[str, Any] = Field(default={})
    result: str = ""
    checkpoints: tuple[Checkpoint, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every task was done."""
        return super().whole and all(task.standing == "done" for task in self.tasks)


class ReadGoal(Contract):
    """What a goal turned out to be: the goal and who could work on it, or why it is refused."""

    goal: Goal | None = None
    cards: dict[str, WorkerCard] = Field(default={})
    refusal: str = ""


class PreparedFiles(Contract):
    """Where tools read a goal's files, or why they cannot be read."""

    files: dict[str, str] = Field(default={})
    refusal: str = ""
