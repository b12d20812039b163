"""Tasks as a graph: every fault of a goal is found before anything starts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.goals import Goal, Need, Planned, PlannedTask, Task
from domain.taskgraph import (
    again,
    dependents,
    main_output,
    order,
    phases_of,
    plan_problems,
    problems,
)
from domain.workers import WorkerCard

CARD = WorkerCard(
    name="worker",
    takes={"properties": {"a": {}, "b": {}, "c": {}}, "required": []},
    gives={"properties": {"x": {}}},
)
STRICT = WorkerCard(name="strict", takes={"properties": {"a": {}}, "required": ["a"]})
READER = WorkerCard(name="reader", takes={"properties": {}}, files=("ledger",))
CARDS = {card.name: card for card in (CARD, STRICT, READER)}


def goal(*tasks: dict[str, Any], **more: Any) -> Goal:
    """Return a goal with `tasks`, each for `worker` where it names none."""
    told = [{"worker": "worker", **task} for task in tasks]
    return Goal.model_validate({"goal": "g", "inputs": {"i": 1}, "tasks": told, **more})


FAULTS = {
    "wait for each other: 'x' needs 'y' needs 'x'": (
        {"id": "x", "needs": {"a": "y"}},
        {"id": "y", "needs": {"a": "x"}},
    ),
    "wait for each other: 'x' needs 'x'": ({"id": "x", "needs": {"a": "x"}},),
    "for the worker 'nobody'": ({"id": "x", "worker": "nobody"},),
    "needs 'lost', which nothing gives": ({"id": "x", "needs": {"a": "lost"}},),
    "x and y write the same output 'o'": (
        {"id": "x", "output": "o"},
        {"id": "y", "output": "o"},
    ),
    "two tasks are called 'x'": ({"id": "x"}, {"id": "x", "output": "o"}),
    "writes 'i', which is there already": ({"id": "x", "output": "i"},),
    "has no input 'z'": ({"id": "x", "give": {"z": 1}},),
    "needs the input 'a'": ({"id": "x", "worker": "strict"},),
    "both needed and given": ({"id": "x", "needs": {"a": "i"}, "give": {"a": 1}},),
    "read 'ledger': give the goal an input": ({"id": "x", "worker": "reader"},),
    "is in the phase 'nowhen'": ({"id": "x", "phase": "nowhen"},),
}


@pytest.mark.requirement("C4.3:bad-goal")
@pytest.mark.parametrize("said", FAULTS)
def test_a_faulty_goal_says_what_is_wrong(said: str) -> None:
    """Each fault is named with the task, the value, and what there is."""
    found = problems(goal(*FAULTS[said]), CARDS)

    assert len(found) == 1
    assert said in found[0]


@pytest.mark.requirement("C4.3:bad-goal")
def test_a_task_cannot_need_what_a_later_phase_gives() -> None:
    """The order of phases holds for data too, and rules are about what is given."""
    phases = [{"name": "one"}, {"name": "two", "holds": [{"present": ["nothing"]}]}]
    early = {"id": "x", "phase": "one", "needs": {"a": "y"}}

    backwards = problems(goal(early, {"id": "y", "phase": "two"}, phases=phases), CARDS)
    unknown = problems(goal({"id": "y", "phase": "two"}, phases=phases), CARDS)

    assert "of the later phase 'two'" in backwards[0]
    assert "is about 'nothing', which nothing gives" in unknown[0]


@pytest.mark.requirement("C4.3:bad-goal")
def test_a_file_is_read_by_tools_and_needed_by_no_task() -> None:
    """It would be handed to a model otherwise."""
    found = problems(
        goal({"id": "x", "needs": {"a": "ledger"}}, inputs={"ledger": {"file": "l.csv"}}), CARDS
    )

    assert "which is a file" in found[0]


@pytest.mark.requirement("C4.3:parallel")
def test_a_task_is_in_the_earliest_phase_that_its_needs_allow() -> None:
    """Unless it names one."""
    found = goal(
        {"id": "x"},
        {"id": "y", "phase": "two"},
        {"id": "z", "needs": {"a": "y", "b": "x"}},
        phases=[{"name": "one"}, {"name": "two"}, {"name": "three"}],
    )

    assert phases_of(found) == {"x": "one", "y": "two", "z": "two"}


@pytest.mark.requirement("C4.3:dead-letter")
def test_a_letter_has_the_task_and_what_waits_for_it_and_can_start() -> None:
    """What also needs something that is not there is left out, and said."""
    whole = goal(
        {"id": "failed", "needs": {"a": "i"}},
        {"id": "done"},
        {"id": "lost"},
        {"id": "next", "needs": {"a": "failed", "b": "done"}},
        {"id": "last", "needs": {"a": "next"}},
        {"id": "both", "needs": {"a": "next", "b": "lost"}},
        phases=[{"name": "p", "holds": [{"same": ["failed.x", "lost.x"]}, {"present": ["done"]}]}],
        result="both",
    )

    narrowed, left = again(whole, "failed", {"done"})

    assert [task.id for task in narrowed.tasks] == ["failed", "next", "last"]
    assert left == ("both",)
    assert [rule.kind for rule in narrowed.phases[0].holds] == ["present"]
    assert problems(narrowed, CARDS, known=["done"]) == ()
    assert main_output(narrowed) == "last"


@st.composite
def graphs(draw: st.DrawFn) -> Goal:
    """Return tasks that each need some of the tasks before them."""
    size = draw(st.integers(1, 12))
    tasks: list[dict[str, Any]] = []
    for number in range(size):
        names = st.sampled_from([f"t{n}" for n in range(number)] or ["i"])
        needs = draw(st.lists(names, max_size=3, unique=True))
        tasks.append({"id": f"t{number}", "needs": dict(zip("abc", needs, strict=False))})
    return goal(*draw(st.permutations(tasks)))


@pytest.mark.requirement("C4.3:parallel")
@given(graphs())
def test_a_graph_without_a_cycle_is_always_fine_and_ordered(found: Goal) -> None:
    """Whatever order it was written in; what depends on a task comes behind it."""
    assert problems(found, CARDS) == ()
    placed = order(found.tasks)
    for task in found.tasks:
        for name in task.needs.values():
            if name in placed:
                assert placed.index(name) < placed.index(task.id)
                assert task.id in dependents([name], found.tasks)


@pytest.mark.requirement("C4.3:bad-goal")
@given(graphs())
def test_a_cycle_is_found_wherever_it_is(found: Goal) -> None:
    """Closing any chain of tasks back to its beginning is refused."""
    tasks = {task.id: task for task in found.tasks}
    behind = dependents(["t0"], found.tasks)
    last = behind[-1] if behind else "t0"
    tasks["t0"] = tasks["t0"].model_copy(update={"needs": {"a": last}})
    closed = found.model_copy(update={"tasks": tuple(tasks.values())})

    assert any("wait for each other" in each for each in problems(closed, CARDS))


@pytest.mark.requirement("C4.3:bad-plan")
def test_a_plan_is_judged_by_the_same_rules_and_cannot_change_declared_tasks() -> None:
    """Of a declared task the plan sets the worker alone."""

    def plan(worker: str, task_id: str = "x", name: str = "i") -> Planned:
        needs = (Need(field="a", name=name),)
        return Planned(
            tasks=(
                PlannedTask(id=task_id, worker=worker, does="", needs=needs, output="", phase=""),
            )
        )

    declared = goal({"id": "x", "worker": "", "needs": {"a": "i"}})

    assert plan_problems(goal(), plan("worker"), CARDS) == ()
    assert "which nothing gives" in plan_problems(goal(), plan("worker", name="?"), CARDS)[0]
    assert "does not fit" in plan_problems(goal(), plan("worker", "No Id"), CARDS)[0]
    assert plan_problems(declared, plan("strict", name="other"), CARDS) == ()
    assert "no worker" in plan_problems(declared, plan("worker", "other"), CARDS)[0]


@pytest.mark.requirement("C4.3:bad-goal")
def test_needs_may_be_a_list_of_names() -> None:
    """The usual case, a field called like what goes there, needs no second word."""
    assert Task.model_validate({"id": "x", "needs": ["a", "b"]}).needs == {"a": "a", "b": "b"}
