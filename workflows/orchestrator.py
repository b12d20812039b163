"""A goal, planned by an orchestrator that does nothing else, and done by workers that only do.

Durable is what has become of each task and what it gave; a crash costs the runs under way, which
go on by themselves. What fails for good leaves a dead letter, with which it and what depended on
it can be done again; everything else is finished.
"""

from collections.abc import Mapping
from contextlib import suppress

from temporalio import workflow
from temporalio.exceptions import FailureError

# The sandbox runs this file anew for each run; its collaborators keep no state in modules.
with workflow.unsafe.imports_passed_through():
    from domain import page
    from domain.budget import LimitsOverride
    from domain.goals import Goal
    from domain.lifecycle import State
    from domain.orchestration import (
        OrchestrationRequest,
        OrchestrationResult,
        OrchestrationState,
        PreparedFiles,
        ReadGoal,
        TaskMemory,
        TaskResult,
    )
    from domain.runs import Outcome
    from domain.taskgraph import main_output, phases_of
    from workflows import policies
    from workflows.checkpoint import Checkpoints
    from workflows.children import Children
    from workflows.conducted import Conducted
    from workflows.ends import LimitReachedError, RefusedError
    from workflows.failures import FAILURES
    from workflows.goal_planning import GoalPlanner
    from workflows.letters import keep_task_letters
    from workflows.steps import sure
    from workflows.tasking import Tasking

_OPEN = {"waiting", "running", "asked", "retry"}


@workflow.defn(name="OrchestratorWorkflow", failure_exception_types=FAILURES)
class OrchestratorWorkflow(Conducted[OrchestrationResult]):
    """Owns one goal, from its plan to the last of its tasks."""

    NAME = "orchestrator"

    @workflow.init
    def __init__(self, request: OrchestrationRequest) -> None:
        self._state = request.state or OrchestrationState(
            lineage=str(workflow.uuid4()),
            started_at=workflow.now(),
            outputs=dict(request.outputs),
        )
        self._request = request
        super().__init__(request, self._state, budget=request.budget)

    @workflow.run
    async def run(self, request: OrchestrationRequest) -> OrchestrationResult:
        """Work until every task has ended; what failed for good is named, and kept.

        Raises:
            ApplicationError: Nobody came to a stopped run for seven days; non-retryable.
        """
        return await self.conduct(self._work)

    async def _work(self) -> None:
        self.desk.move(State.VALIDATING)
        goal = self._state.goal or await self._intake()
        request = self._within(goal)
        self.budget = request.budget
        children = Children(self, request, goal.parallel)
        self.desk.move(State.PLANNING)
        if self._state.goal is None:
            goal = await GoalPlanner(self, self._state, children).planned(goal)
            self._state.tasks = {task.id: TaskMemory() for task in goal.tasks}
            self._state.goal = goal
        self.desk.move(State.EXECUTING)
        await self._phases(goal, children)
        self.desk.move(State.REVIEWING)
        if self._state.out_of_room:
            raise LimitReachedError("the budget had no room for all tasks")

    async def _phases(self, goal: Goal, children: Children) -> None:
        tasking = Tasking(self, self._state, goal, children)
        checkpoints = Checkpoints(self, self._state, goal)
        while self._state.phase < len(goal.phase_names):
            await tasking.work_off()
            if await checkpoints.passes(await tasking.misfits()):
                self._state.phase += 1

    # --- what it begins with

    async def _intake(self) -> Goal:
        """Read the goal and make its files ready; both are recorded, so neither changes."""
        known = sorted(self._state.outputs)
        read = await sure(
            self.desk,
            "goal.read",
            lambda: workflow.execute_local_activity(
                "goal.read",
                args=[self._request.goal, known],
                result_type=ReadGoal,
                **policies.RECORD,
            ),
        )
        if read.goal is None:
            raise RefusedError(read.refusal)
        self._state.cards = read.cards
        if read.goal.files:
            self._state.files = await self._files(read.goal)
        return read.goal

    async def _files(self, goal: Goal) -> dict[str, str]:
        ready = await sure(
            self.desk,
            "goal.prepare",
            lambda: workflow.execute_activity(
                "goal.prepare", goal.files, result_type=PreparedFiles, **policies.COMPUTE
            ),
        )
        if ready.refusal:
            raise RefusedError(ready.refusal)
        return ready.files

    def _within(self, goal: Goal) -> OrchestrationRequest:
        """Return the request with the goal's limits where its starter has set none."""
        request = self._request
        more: dict[str, object] = {}
        for name in ("tokens", "cost_usd"):
            if name not in request.model_fields_set and getattr(goal, name) is not None:
                more[name] = getattr(goal, name)
        if goal.limits is not None:
            asked = request.limits.model_dump(exclude_none=True) if request.limits else {}
            more["limits"] = LimitsOverride(**goal.limits.model_dump(exclude_none=True) | asked)
        return request.model_copy(update=more) if more else request

    # --- what it comes to

    async def _undo(self, outcome: Outcome) -> None:
        """Keep a dead letter for each task that failed for good, however the run ends."""
        if self._state.goal is None:
            return
        for memory in self._state.tasks.values():
            if memory.standing in _OPEN:
                memory.reason = memory.reason or f"the run ended as {outcome.value} before it"
                memory.standing = "not_done"
        with suppress(FailureError):
            await keep_task_letters(self._state.goal, self._state, self._within(self._state.goal))
        for task_id, memory in self._state.tasks.items():
            if memory.standing in {"failed", "not_done"}:
                self._state.not_done.append(f"{task_id}: {memory.reason}")

    def _result(self, outcome: Outcome, reason: str) -> OrchestrationResult:
        state, goal = self._state, self._state.goal
        return OrchestrationResult(
            **self._closed(outcome, reason),
            goal=goal.goal if goal else "",
            planned_by=state.planned_by,
            tasks=self._task_results(),
            outputs=dict(state.outputs),
            result=main_output(goal) if goal else "",
            checkpoints=tuple(state.checkpoints),
        )

    def _task_results(self) -> tuple[TaskResult, ...]:
        goal = self._state.goal
        if goal is None:
            return ()
        placed = phases_of(goal)
        return tuple(
            TaskResult(
                id=task.id,
                worker=task.worker,
                phase=placed[task.id],
                output=task.gives,
                standing=memory.standing,
                attempts=memory.attempts,
                reason=memory.reason or memory.question,
                run_id=memory.run_id,
                letter=memory.letter,
                due_at=memory.due_at,
            )
            for task in goal.tasks
            for memory in [self._state.tasks[task.id]]
        )

    # --- what is shown

    def _title(self) -> str:
        goal = self._state.goal
        return goal.goal.strip().splitlines()[0][:200] if goal else self.NAME

    def _running(self) -> str:
        return ", ".join(name for name, each in self._state.tasks.items() if each.runs and
                         each.standing in {"running", "asked"})  # fmt: skip

    def _counts(self) -> Mapping[str, int]:
        standings = [memory.standing for memory in self._state.tasks.values()]
        return {
            "tasks": len(standings),
            "done": standings.count("done"),
            "under way": standings.count("running"),
            "asking": standings.count("asked"),
            "in the retry queue": standings.count("retry"),
            "failed for good": standings.count("failed"),
            "not done": standings.count("not_done"),
        }

    def _page(self) -> str:
        rows = [
            f"- {page.escape(task.id)}: {page.escape(task.standing.replace('_', ' '))}"
            + (f", after {task.attempts} attempts" if task.attempts > 1 else "")
            + (f": {page.escape(task.reason, 300)}" if task.reason else "")
            for task in self._task_results()
        ]
        about = super()._page()
        return about + "\n\n**Tasks**\n\n" + "\n".join(rows) if rows else about
