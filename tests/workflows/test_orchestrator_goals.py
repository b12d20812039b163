"""Goals that cannot be worked on, and plans that cannot be followed."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents import orchestrator
from agents.orchestrator.spec import AGENT as ORCHESTRATOR
from agents.workers import workers
from domain.runs import Outcome
from tests.workflows.orchestra import (
    CIRCLE,
    GOOD,
    asked_below,
    ends,
    given,
    goal,
    letters,
    needs,
    nothing,
    plan,
    play,
    ran,
    result,
    start,
    task,
    worker,
)
from tests.workflows.stage import Stage

BOMB = "\n".join(["a: &a [x]", *(f"k{n}: &k{n} [*a, *a]" for n in range(9))])
BAD: dict[str, Any] = {
    "the goal is nothing": None,
    "the goal is a list": [],
    "goal: Field required": {},
    "expected a mapping": "- a",
    "is refused; write it out": BOMB,
    "the goal is no plain YAML": "goal: [",
    "tasks: Input should be a valid": {"goal": "g", "tasks": "x"},
    "wait for each other": goal(needs("a", "b"), needs("b", "a")),
    "for the worker 'nobody'": goal({"id": "a", "worker": "nobody"}),
    "needs 'lost'": goal(needs("a", "lost")),
    "write the same output": goal({"id": "a", "output": "o"}, {"id": "b", "output": "o"}),
    "'ledger': 'lost.csv': no such file": goal("a", inputs={"ledger": {"file": "lost.csv"}}),
}


@pytest.mark.requirement("C4.3:bad-goal")
async def test_a_goal_that_cannot_be_worked_on_is_rejected(stage: Stage, tmp_path: Path) -> None:
    """Also where it comes past the command line; the input waits in the dead letters."""
    await play(stage, nothing, cache=tmp_path)
    handles = {told: await start(stage, bad) for told, bad in BAD.items()}

    for told, handle in handles.items():
        found = await result(stage, handle)

        assert found.outcome is Outcome.REJECTED
        assert told in found.reason
        assert len(await letters(stage, handle.id)) == 1
    assert stage.provider.asked == []


@pytest.mark.requirement("C4.3:bad-goal")
async def test_the_text_of_a_goal_file_starts_a_run_as_well(stage: Stage) -> None:
    """`temporal workflow start --input '{"goal": "goal: …"}'` needs no JSON of the goal."""
    await play(stage, nothing)

    found = await ran(stage, "goal: g\ntasks:\n  - {id: a, worker: smith}\n")

    assert found.whole


@pytest.mark.requirement("C4.3:plans-only")
async def test_the_orchestrator_plans_and_workers_do(stage: Stage) -> None:
    """It has no tool, sees no file's place, and makes one call; the tasks are the workers'."""
    await play(stage, nothing, worker(), worker("idle"), plans=[GOOD])

    found = await ran(stage, goal(inputs={"account": "17"}, workers=["smith"]))

    assert ORCHESTRATOR.tools == ()
    assert ORCHESTRATOR.workflow_tools == ()
    shown = json.loads(stage.provider.asked[0].messages[0].text)
    assert [each["name"] for each in shown["workers"]] == ["smith"]
    assert [asked.agent for asked in stage.provider.asked] == ["orchestrator", "smith", "smith"]
    assert (found.planned_by, ends(found)) == ("orchestrator", {"a": "done", "b": "done"})
    assert orchestrator.__doc__ is not None


@pytest.mark.requirement("C4.3:plans-only")
async def test_declared_tasks_without_a_worker_are_routed(stage: Stage) -> None:
    """The plan gives them a worker and changes nothing else about them."""
    twisted = json.loads(plan(("a", {"one": "x"}), name="jones"))
    await play(stage, nothing, worker(), worker("jones"), plans=[json.dumps(twisted)])
    declared = {"id": "a", "worker": "", "needs": {"account": "account"}}

    found = await ran(stage, goal(declared))

    assert (task(found, "a").worker, task(found, "a").standing) == ("jones", "done")
    assert given(stage, "a")[0]["input"] == {"account": "17"}


@pytest.mark.requirement("C4.3:bad-plan")
async def test_a_plan_that_cannot_be_followed_goes_back_with_the_reason(stage: Stage) -> None:
    """Up to three times, in the orchestrator's own run; the fourth plan is followed."""
    lost = plan(("a", {"one": "lost"}))
    stranger = plan(("a", {}), name="stranger")
    await play(stage, nothing, plans=[CIRCLE, lost, stranger, GOOD])

    found = await ran(stage, goal())

    told = [asked.said for asked in stage.provider.asked[1:4]]
    assert "these tasks wait for each other: 'a' needs 'b' needs 'a'" in told[0]
    assert "needs 'lost', which nothing gives" in told[1]
    assert "for the worker 'stranger'" in told[2]
    assert ends(found) == {"a": "done", "b": "done"}


@pytest.mark.requirement("C4.3:bad-plan")
async def test_after_that_a_person_is_asked_and_cannot_let_it_pass(stage: Stage) -> None:
    """Approved as it stands, it is no better: the run asks for tasks, and checks those too."""
    await play(stage, nothing, plans=[CIRCLE] * 4)
    handle = await start(stage, goal())
    planner = stage.client.get_workflow_handle(f"{handle.id}/plan.1")
    question = await asked_below(stage, planner)
    assert "wait for each other" in question["why"]
    await planner.signal("approve")
    mine = await stage.asked(handle)
    assert "wait for each other" in mine["why"]

    with pytest.raises(Exception, match="Workflow update failed") as refused:
        await stage.decide(handle, verdict="modify", arguments={"tasks": [{"id": "a"}]})
    tasks = [{"id": "a", "worker": "smith"}]
    await stage.decide(handle, verdict="modify", arguments={"tasks": tasks})
    found = await result(stage, handle)

    assert "each with a worker" in str(refused.value.__cause__)
    assert (found.planned_by, ends(found)) == ("a person", {"a": "done"})


@pytest.mark.requirement("C4.3:bad-plan")
async def test_a_person_can_have_it_planned_anew_or_end_it(stage: Stage) -> None:
    """Anew is another run of the orchestrator, which is told what was wrong."""
    await play(stage, nothing, plans=[CIRCLE] * 4 + [GOOD])
    handle = await start(stage, goal())
    planner = stage.client.get_workflow_handle(f"{handle.id}/plan.1")
    await asked_below(stage, planner)
    await planner.signal("approve")
    await stage.asked(handle)

    await handle.signal("approve")
    found = await result(stage, handle)

    assert "wait for each other" in str(json.loads(stage.provider.asked[4].messages[0].text))
    assert found.whole


@pytest.mark.requirement("C4.3:typed-union")
def test_a_worker_never_plans_and_answers_one_of_three() -> None:
    """Every worker there is: no plan, the union as its answer, both schemas declared."""
    found = workers()

    assert {"dossier_profile", "dossier_writer", "drill_worker"} <= set(found)
    for each in found.values():
        assert each.plan == "none"
        spec = each.spec()
        union = json.dumps(spec.answer_schema)
        assert all(f'"const": "{kind}"' in union for kind in ("success", "failure", "needs_human"))
        assert each.card.takes["properties"]
        assert each.card.gives["properties"]
    with pytest.raises(TypeError, match="never plans"):
        worker(plan="checked")
