"""A phase's tasks: the independent ones in parallel, what failed behind them, from a queue.

A task is done by one run of one worker, and another attempt is another run. What fails waits in
the retry queue, which the state shows, until nothing of its phase is left to be done before it,
and then for its time. A task that asks a person holds up what depends on it, and nothing else.
"""

import asyncio
import json
from datetime import timedelta
from typing import Any

from temporalio import workflow

from workflows import policies
from workflows.children import NO_ROOM, Child, Children
from workflows.conducted import Conducted
from workflows.desk import because
from workflows.steps import sure
from workflows.task_question import form

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from domain.approval import Decision
    from domain.goals import Goal, Task
    from domain.orchestration import OrchestrationResult, OrchestrationState, TaskMemory
    from domain.run import Came
    from domain.runs import Outcome
    from domain.taskgraph import needed_by, phases_of
    from domain.verdicts import AnswerVerdict, CheckAnswerRequest
    from domain.workers import Failure, NeedsHuman, Told, WorkerAnswer, WorkerTask

_MOST_BACKOFF = timedelta(hours=1)
_MOST_WORDS = 2_000
# What another attempt cannot mend: the worker is not there, or a person said no.
_FINAL = {Outcome.REJECTED, Outcome.ABORTED}
_OVER = {"failed", "not_done"}


class Tasking:
    """Has the tasks of a phase done."""

    def __init__(
        self,
        run: Conducted[OrchestrationResult],
        state: OrchestrationState,
        goal: Goal,
        children: Children,
    ) -> None:
        self._run = run
        self._state = state
        self._goal = goal
        self._children = children
        self._phases = phases_of(goal)
        self._names = goal.phase_names
        self._asks_anew = False

    async def work_off(self) -> None:
        """Do what can be done of the phase under way, and of those before it.

        Raises:
            AbortedError: A person who was asked ended the run.
        """
        under_way: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                if not under_way:
                    self._run.carry_on_if_due()
                for task in self._next(under_way):
                    under_way[task.id] = asyncio.ensure_future(self._turn(task))
                self._run.show()
                if not under_way:
                    return
                await self._something_moved(under_way)
                for task_id in [each for each, turn in under_way.items() if turn.done()]:
                    under_way.pop(task_id).result()
        except (Exception, asyncio.CancelledError):
            for turn in under_way.values():
                turn.cancel()
            await asyncio.gather(*under_way.values(), return_exceptions=True)
            raise

    async def _something_moved(self, under_way: dict[str, asyncio.Task[None]]) -> None:
        """Wait until a task has ended, or asks a person and so leaves the field to others."""
        await workflow.wait_condition(
            lambda: self._asks_anew or any(turn.done() for turn in under_way.values())
        )
        self._asks_anew = False

    # --- what is next

    def _next(self, under_way: dict[str, asyncio.Task[None]]) -> list[Task]:
        """Return the tasks to begin now: those never tried, and behind them the retry queue."""
        busy = any(self._memory(each).standing != "asked" for each in under_way)
        if busy and workflow.info().is_continue_as_new_suggested():
            return []  # what is under way ends first, and then the run continues as new
        here = self._names[: self._state.phase + 1]
        tasks = [task for task in self._goal.tasks if self._phases[task.id] in here]
        self._give_up(tasks)
        idle = [task for task in tasks if task.id not in under_way]
        ready = [task for task in idle if self._is(task, "waiting") and self._has_needs(task)]
        if ready or busy:
            return ready
        queue = [task for task in idle if self._is(task, "retry")]
        return sorted(queue, key=lambda task: self._due(task.id))

    def _give_up(self, tasks: list[Task]) -> None:
        """Name as not done what needs something that will not come."""
        found = True
        while found:
            found = False
            for task in tasks:
                lacking = [
                    other
                    for other in needed_by(task, self._goal.tasks)
                    if self._memory(other).standing in _OVER
                ]
                if self._is(task, "waiting") and lacking:
                    memory = self._memory(task.id)
                    memory.standing, found = "not_done", True
                    memory.reason = f"it needs what {', '.join(lacking)} did not give"

    def _has_needs(self, task: Task) -> bool:
        return (self._goal.values.keys() | self._state.outputs.keys()) >= set(task.needs.values())

    def _is(self, task: Task, standing: str) -> bool:
        return self._memory(task.id).standing == standing

    def _memory(self, task_id: str) -> TaskMemory:
        return self._state.tasks[task_id]

    def _due(self, task_id: str) -> float:
        due = self._memory(task_id).due_at
        return due.timestamp() if due else 0

    # --- one task

    async def _turn(self, task: Task) -> None:
        """Have one worker do a task once, and sort what it answers."""
        memory = self._memory(task.id)
        if memory.due_at is not None:
            left = memory.due_at - workflow.now()
            if left > timedelta():
                await workflow.sleep(left, summary=f"retry of {task.id}")
            memory.due_at = None
        given = {**task.give, **{field: self._known(name) for field, name in task.needs.items()}}
        wrong = await self._misfit(self._state.cards[task.worker].takes, given)
        if wrong:
            self._fail(task, f"its input is not what {task.worker} takes: {wrong}", final=True)
            return
        memory.standing = "running"
        memory.runs += 1
        self._run.show()
        came = await self._children.run(self._child(task, memory, given))
        memory.run_id = came.run_id
        await self._sort(task, came)
        self._run.show()

    def _known(self, name: str) -> Any:
        values = self._goal.values
        return values[name] if name in values else self._state.outputs[name]

    def _child(self, task: Task, memory: TaskMemory, given: dict[str, Any]) -> Child:
        asked = WorkerTask(
            task=task.id,
            does=task.does,
            input=given,
            attempt=memory.attempts + 1,
            earlier=tuple(memory.earlier),
            told=tuple(memory.told),
        )
        return Child(
            id=f"{task.id}-{memory.runs}",
            agent=task.worker,
            task=asked.model_dump(mode="json"),
            data=self._state.files,
            limits=task.limits,
            summary=f"{task.id}, attempt {asked.attempt}",
        )

    async def _sort(self, task: Task, came: Came) -> None:
        memory = self._memory(task.id)
        if came.reason.startswith(NO_ROOM):
            memory.standing, memory.reason = "not_done", came.reason
            self._state.out_of_room = True
            return
        if not came.ok:
            reason = f"its run ended as {came.outcome.value}: {came.reason}"
            self._fail(task, reason, final=came.outcome in _FINAL or bool(came.writes))
            return
        try:
            answer = WorkerAnswer[Any].model_validate(came.answer).result
        except ValidationError as error:
            self._fail(task, f"its answer is none of the three: {error.error_count()} faults")
            return
        if isinstance(answer, Failure):
            # Another attempt is another run: what this one wrote would be written again.
            wrote = f" (after it had written: {came.writes[0].tool})" if came.writes else ""
            self._fail(task, f"{answer.reason}{wrote}", final=bool(came.writes))
        elif isinstance(answer, NeedsHuman):
            await self._ask(task, answer.question)
        else:
            self._done(task, answer.output)

    def _done(self, task: Task, output: Any) -> None:
        memory = self._memory(task.id)
        memory.attempts += 1
        memory.standing, memory.reason = "done", ""
        self._state.outputs[task.gives] = output

    def _fail(self, task: Task, reason: str, *, final: bool = False) -> None:
        """Put a task into the retry queue, or name it as failed for good."""
        memory = self._memory(task.id)
        memory.attempts += 1
        memory.reason = reason[:_MOST_WORDS]
        memory.earlier.append(memory.reason)
        if final or memory.attempts >= (task.attempts or self._goal.attempts):
            memory.standing = "failed"
            return
        wait = timedelta(seconds=self._goal.backoff_s * 2 ** (memory.attempts - 1))
        memory.standing, memory.due_at = "retry", workflow.now() + min(wait, _MOST_BACKOFF)

    # --- a person

    async def _ask(self, task: Task, question: str) -> None:
        memory, gives = self._memory(task.id), self._state.cards[task.worker].gives
        memory.standing, memory.question = "asked", question
        self._asks_anew = True

        async def check(output: dict[str, Any]) -> str:
            return await self._misfit(gives, output)

        decision = await self._run.desk.ask(form(task, question, memory, gives), check)
        memory.question = ""
        self._answered(task, question, decision)

    def _answered(self, task: Task, question: str, decision: Decision) -> None:
        memory = self._memory(task.id)
        if decision.verdict == "modify":
            self._done(task, decision.arguments)
        elif decision.verdict == "approve":
            words = decision.reason or "yes"
            memory.told.append(Told(question=question, answer=words, by=decision.by))
            memory.standing = "waiting"
        else:
            self._fail(task, because(f"it asked {question!r}, and the answer is no", decision),
                       final=True)  # fmt: skip

    async def _misfit(self, schema: dict[str, Any], value: Any) -> str:
        """Return what of `value` does not fit `schema`, nothing where all of it does."""
        asked = CheckAnswerRequest(
            agent="",
            text=json.dumps(value, ensure_ascii=False),
            answer_schema=schema,
            checks=(),
            made=(),
            task="",
        )
        verdict = await sure(
            self._run.desk,
            "check.answer",
            lambda: workflow.execute_local_activity(
                "check.answer", asked, result_type=AnswerVerdict, **policies.CHECK
            ),
        )
        return "; ".join(verdict.problems)

    async def misfits(self) -> dict[str, str]:
        """Return which outputs do not fit what their workers give, and how."""
        found: dict[str, str] = {}
        for task in self._goal.tasks:
            if self._is(task, "done") and task.gives in self._state.outputs:
                schema = self._state.cards[task.worker].gives
                if wrong := await self._misfit(schema, self._state.outputs[task.gives]):
                    found[task.gives] = wrong
        return found
