"""Who does what: the tasks of a goal, from the person who wrote it or from the orchestrator.

The orchestrator is an agent without a single tool: it can plan and route, and do nothing. What is
wrong with its plan goes back to it in its own run, three times, and then to a person; whatever
comes out of that is looked at here once more, by the same rules, before anything starts.
"""

from typing import Any

from temporalio import workflow

from workflows.children import NO_ROOM, Child, Children
from workflows.conducted import Conducted
from workflows.desk import AbortedError, because
from workflows.ends import LimitReachedError

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from domain.approval import Form
    from domain.contract import canonical
    from domain.goals import Goal, Planned, PlanningTask, Task, file_of
    from domain.orchestration import ORCHESTRATOR, OrchestrationResult, OrchestrationState
    from domain.run import Came
    from domain.runs import Outcome
    from domain.taskgraph import allowed, plan_problems, problems, with_plan

_SHOWN = 500  # characters of an input that the orchestrator is shown


class GoalPlanner:
    """Gets a goal its tasks, and each task its worker."""

    def __init__(
        self,
        run: Conducted[OrchestrationResult],
        state: OrchestrationState,
        children: Children,
    ) -> None:
        self._run = run
        self._state = state
        self._children = children

    async def planned(self, goal: Goal) -> Goal:
        """Return the goal with tasks that can be done.

        Raises:
            AbortedError: A person ended the run over its plan.
            LimitReachedError: The budget has no room for the orchestrator.
        """
        if goal.routed:
            self._state.planned_by = "hand"
            return goal
        self._state.planned_by = ORCHESTRATOR
        refused: tuple[str, ...] = ()
        while True:
            came = await self._asked(goal, refused)
            found, refused = self._judged(goal, came)
            if found is not None:
                return found
            found = await self._from_person(goal, refused)
            if found is not None:
                self._state.planned_by = "a person"
                return found

    async def _asked(self, goal: Goal, refused: tuple[str, ...]) -> Came:
        self._state.plans += 1
        usable = allowed(goal, self._state.cards)
        task = PlanningTask(
            goal=_shown(goal),
            workers=tuple(card.model_dump(mode="json") for card in usable.values()),
            refused=refused,
        )
        child = Child(
            id=f"plan.{self._state.plans}",
            agent=ORCHESTRATOR,
            task=task.model_dump(mode="json", exclude_unset=True),
            summary="plans the tasks",
        )
        return await self._children.run(child)

    def _judged(self, goal: Goal, came: Came) -> tuple[Goal | None, tuple[str, ...]]:
        """Return the goal with its tasks, or what is wrong with the plan."""
        if came.outcome is Outcome.ABORTED:
            raise AbortedError(came.reason)
        if came.reason.startswith(NO_ROOM):
            raise LimitReachedError(came.reason)
        if not came.ok:
            return None, (f"the orchestrator's run ended as {came.outcome.value}: {came.reason}",)
        try:
            planned = Planned.model_validate(came.answer)
        except ValidationError as error:
            return None, (f"the answer is no plan: {error.error_count()} faults",)
        wrong = plan_problems(goal, planned, self._state.cards)
        return (None, wrong) if wrong else (with_plan(goal, planned), ())

    async def _from_person(self, goal: Goal, wrong: tuple[str, ...]) -> Goal | None:
        """Return the goal with a person's tasks; None: the orchestrator is to try again."""
        cards = self._state.cards

        async def check(sent: dict[str, Any]) -> str:
            found, misfit = _with_tasks(goal, sent)
            return misfit if found is None else "; ".join(problems(found, cards))

        decision = await self._run.desk.ask(_form(goal, wrong), check)
        if decision.verdict == "approve":
            return None
        if decision.verdict != "modify" or decision.arguments is None:
            raise AbortedError(because("no plan that can be followed", decision))
        return _with_tasks(goal, decision.arguments)[0]


def _with_tasks(goal: Goal, sent: dict[str, Any]) -> tuple[Goal | None, str]:
    """Return the goal with the tasks that a person sent, or None and what is wrong with them."""
    try:
        tasks = tuple(Task.model_validate(each) for each in sent.get("tasks", ()))
    except (ValidationError, TypeError) as error:
        return None, f"the tasks do not fit: {' '.join(str(error).split())[:300]}"
    if not tasks or set(sent) != {"tasks"} or not all(task.worker for task in tasks):
        told = 'expected {"tasks": [{"id": …, "worker": …, "needs": {…}}, …]}, each with a worker'
        return None, told
    return goal.model_copy(update={"tasks": tasks}), ""


def _form(goal: Goal, wrong: tuple[str, ...]) -> Form:
    return Form(
        kind="no_plan",
        title="plan the goal",
        why=f"no plan that can be followed: {'; '.join(wrong)}",
        request=goal.goal,
        options=(
            ("approve", "the orchestrator plans anew, and is told what is wrong"),
            ("modify", 'it goes by your tasks: {"arguments": {"tasks": […]}}'),
            ("reject", "the run ends"),
        ),
        arguments={"tasks": [task.model_dump(mode="json") for task in goal.tasks]},
    )


def _shown(goal: Goal) -> Goal:
    """Return the goal as the orchestrator sees it: it plans, so it needs no long inputs."""
    return goal.model_copy(
        update={"inputs": {name: _cut(value) for name, value in goal.inputs.items()}}
    )


def _cut(value: Any) -> Any:
    if file_of(value):
        return {"file": "-"}  # tools read it; where it lies is nobody else's business
    text = canonical(value).decode("utf-8", "replace")
    return value if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
