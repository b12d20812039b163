"""Tasks as a graph: what is wrong with it, in which phase each one is, what depends on what.

All of it is pure, and all of it is checked before anything starts. The same rules judge a goal
that a person wrote and a plan that a model made.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from domain.goals import MAX_TASKS, Goal, Planned, Task
from domain.workers import WorkerCard

_MOST_PROBLEMS = 20


def problems(
    goal: Goal, cards: Mapping[str, WorkerCard], known: Collection[str] = ()
) -> tuple[str, ...]:
    """Return what is wrong with a goal and its tasks, one sentence each; nothing: it can start.

    Args:
        goal: With its tasks, whoever wrote them.
        cards: The workers there are, by name.
        known: Outputs that an earlier run left.
    """
    found = [*_about_goal(goal, cards), *_about_tasks(goal, cards, known)]
    found = found or [*_cycles(goal)]
    found = found or [*_about_phases(goal)]
    if goal.routed:
        found = found or [*_about_names(goal, known)]
    return tuple(found[:_MOST_PROBLEMS])


def allowed(goal: Goal, cards: Mapping[str, WorkerCard]) -> dict[str, WorkerCard]:
    """Return the workers that the goal may use, by name."""
    names = goal.workers or tuple(cards)
    return {name: cards[name] for name in names if name in cards}


# --- what is wrong


def _about_goal(goal: Goal, cards: Mapping[str, WorkerCard]) -> Iterator[str]:
    for name in goal.workers:
        if name not in cards:
            yield f"there is no worker {name!r}; the workers are {sorted(cards)}"
    names = goal.phase_names
    for name in _twice(names):
        yield f"two phases are called {name!r}"
    for name in goal.agree:
        if name not in goal.values:
            yield f"agree names {name!r}, which is no input of the goal: {sorted(goal.values)}"
    if len(goal.tasks) > MAX_TASKS:
        yield f"there are {len(goal.tasks)} tasks; {MAX_TASKS} are allowed"


def _about_tasks(
    goal: Goal, cards: Mapping[str, WorkerCard], known: Collection[str]
) -> Iterator[str]:
    for name in _twice(task.id for task in goal.tasks):
        yield f"two tasks are called {name!r}"
    for name in _twice(task.gives for task in goal.tasks):
        writers = [task.id for task in goal.tasks if task.gives == name]
        yield f"the tasks {' and '.join(writers)} write the same output {name!r}"
    usable = allowed(goal, cards)
    outputs = {task.gives for task in goal.tasks}
    for task in goal.tasks:
        if task.gives in goal.inputs or task.gives in known:
            yield f"task {task.id!r} writes {task.gives!r}, which is there already"
        if task.worker and task.worker not in usable:
            yield (
                f"task {task.id!r} is for the worker {task.worker!r}, which there is not, or "
                f"which the goal does not allow: {sorted(usable)}"
            )
        yield from _about_needs(task, goal, outputs | set(known))
        if task.worker in usable:
            yield from _about_fields(task, usable[task.worker], goal)


def _about_needs(task: Task, goal: Goal, outputs: Collection[str]) -> Iterator[str]:
    values = goal.values
    for name in task.needs.values():
        if name in goal.files:
            yield (
                f"task {task.id!r} needs {name!r}, which is a file: the worker's tools read it, "
                "so leave it out of the needs"
            )
        elif name not in values and name not in outputs:
            there = sorted({*values, *outputs} - {task.gives})
            yield f"task {task.id!r} needs {name!r}, which nothing gives; there are {there}"


def _about_fields(task: Task, card: WorkerCard, goal: Goal) -> Iterator[str]:
    given = {*task.needs, *task.give}
    for field in sorted(given - card.fields):
        yield (
            f"task {task.id!r}: the worker {card.name!r} has no input {field!r}; "
            f"it takes {sorted(card.fields)}"
        )
    for field in sorted(card.required - given):
        yield f"task {task.id!r}: the worker {card.name!r} needs the input {field!r}"
    for field in sorted(task.needs.keys() & task.give.keys()):
        yield f"task {task.id!r}: the input {field!r} is both needed and given"
    for name in card.files:
        if name not in goal.files:
            yield (
                f"the tools of worker {card.name!r} read {name!r}: give the goal an input "
                f'{name!r}, a file: {{"file": "PATH"}}'
            )


def _cycles(goal: Goal) -> Iterator[str]:
    try:
        order(goal.tasks)
    except CycleError as error:
        # Each waits for the one before it in the list; told the way round that people think.
        round_: list[str] = error.args[1][::-1]
        told = " needs ".join(repr(name) for name in round_)
        yield f"these tasks wait for each other: {told}"


def _about_phases(goal: Goal) -> Iterator[str]:
    names = goal.phase_names
    for task in goal.tasks:
        if task.phase and task.phase not in names:
            yield f"task {task.id!r} is in the phase {task.phase!r}; the phases are {list(names)}"
            return
    placed, by_id = phases_of(goal), {task.id: task for task in goal.tasks}
    for task in goal.tasks:
        for other in needed_by(task, goal.tasks):
            if names.index(placed[other]) > names.index(placed[task.id]):
                yield (
                    f"task {task.id!r} in phase {placed[task.id]!r} needs "
                    f"{by_id[other].gives!r} of the later phase {placed[other]!r}"
                )


def _about_names(goal: Goal, known: Collection[str]) -> Iterator[str]:
    """Say which rules, and which result, are about something that nothing gives."""
    there = {*goal.values, *known, *(task.gives for task in goal.tasks)}
    for phase in goal.phases:
        for rule in phase.holds:
            for name in sorted(rule.names - there):
                yield (
                    f"a rule of phase {phase.name!r} is about {name!r}, which nothing gives; "
                    f"there are {sorted(there)}"
                )
    if goal.result and goal.result not in there:
        yield f"the result is to be {goal.result!r}, which nothing gives: {sorted(there)}"


def _twice(names: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    return list(dict.fromkeys(name for name in names if name in seen or seen.add(name)))


# --- the graph


def needed_by(task: Task, tasks: Sequence[Task]) -> tuple[str, ...]:
    """Return the ids of the tasks whose outputs `task` needs, in the order of `tasks`."""
    names = set(task.needs.values())
    return tuple(other.id for other in tasks if other.gives in names)


def order(tasks: Sequence[Task]) -> list[str]:
    """Return the tasks' ids, each behind those that it needs.

    Raises:
        CycleError: Some wait for each other.
    """
    graph = {task.id: needed_by(task, tasks) for task in tasks}
    return list(TopologicalSorter(graph).static_order())


def phases_of(goal: Goal) -> dict[str, str]:
    """Return each task's phase: the one it names, else the earliest that its needs allow."""
    names = goal.phase_names
    by_id = {task.id: task for task in goal.tasks}
    placed: dict[str, str] = {}
    for task_id in order(goal.tasks):
        task = by_id[task_id]
        earliest = max(
            (names.index(placed[other]) for other in needed_by(task, goal.tasks)), default=0
        )
        placed[task_id] = task.phase or names[earliest]
    return placed


def main_output(goal: Goal) -> str:
    """Return the output that is shown first: the one named, else the one that nothing waits for."""
    needed = {name for task in goal.tasks for name in task.needs.values()}
    last = [task.gives for task in goal.tasks if task.gives not in needed]
    return goal.result or (last[0] if len(last) == 1 else "")


def dependents(ids: Iterable[str], tasks: Sequence[Task]) -> list[str]:
    """Return the tasks that need any of `ids`, directly or through one another, in order."""
    found = set(ids)
    by_id = {task.id: task for task in tasks}
    behind: list[str] = []
    for task_id in order(tasks):
        if task_id not in found and found.intersection(needed_by(by_id[task_id], tasks)):
            found.add(task_id)
            behind.append(task_id)
    return behind


def again(goal: Goal, task_id: str, outputs: Collection[str]) -> tuple[Goal, tuple[str, ...]]:
    """Return the goal of a run that does one task again, and what depended on it.

    Args:
        goal: The whole goal.
        task_id: The task that failed for good.
        outputs: Outputs that are there, and are handed to that run.

    Returns:
        The goal, and the ids of tasks that cannot be part of it, since they need something that
        is not there either.
    """
    by_id = {task.id: task for task in goal.tasks}
    there = {*goal.values, *outputs}
    taken: list[Task] = []
    left: list[str] = []
    for each in (task_id, *dependents([task_id], goal.tasks)):
        task = by_id[each]
        if each == task_id or there.issuperset(task.needs.values()):
            taken.append(task)
            there.add(task.gives)
        else:
            left.append(each)
    return _narrowed(goal, taken, there), tuple(left)


def _narrowed(goal: Goal, tasks: Sequence[Task], there: set[str]) -> Goal:
    """Return `goal` with `tasks` alone, and the rules that can be looked at there."""
    phases = tuple(
        phase.model_copy(
            update={"holds": tuple(rule for rule in phase.holds if rule.names <= there)}
        )
        for phase in goal.phases
    )
    result = goal.result if goal.result in there else ""
    # Validated anew, so that every field that differs counts as set.
    told = goal.model_dump(exclude_unset=True)
    told |= {"tasks": tuple(task.model_dump(exclude_unset=True) for task in tasks)}
    told |= {"phases": tuple(phase.model_dump(exclude_unset=True) for phase in phases)}
    return Goal.model_validate(told | {"result": result})


# --- a model's plan


def with_plan(goal: Goal, planned: Planned) -> Goal:
    """Return the goal with the tasks that the orchestrator planned.

    Tasks that were declared by hand stay as they are: of the plan they take the worker alone,
    where they name none.
    """
    by_id = {task.id: task for task in planned.tasks}
    if goal.tasks:
        tasks = [
            task
            if task.worker or task.id not in by_id
            else task.model_copy(update={"worker": by_id[task.id].worker})
            for task in goal.tasks
        ]
    else:
        tasks = [
            Task(
                id=each.id,
                worker=each.worker,
                does=each.does,
                needs={need.field: need.name for need in each.needs},
                output=each.output,
                phase=each.phase,
            )
            for each in planned.tasks
        ]
    return goal.model_copy(update={"tasks": tuple(tasks)})


def plan_problems(goal: Goal, planned: Planned, cards: Mapping[str, WorkerCard]) -> tuple[str, ...]:
    """Return what is wrong with a plan, one sentence each; nothing when it can be followed."""
    try:
        whole = with_plan(goal, planned)
    except ValueError as error:  # pydantic's: a name that cannot be one
        return (f"a task does not fit: {_first(error)}",)
    found = list(problems(whole, cards))
    found += [f"task {task.id!r} has no worker" for task in whole.tasks if not task.worker]
    return tuple(found[:_MOST_PROBLEMS])


def _first(error: ValueError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[1:3]) if len(lines) > 1 else str(error)
