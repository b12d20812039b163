"""Goals and workers: what runs when, what fails where, who is asked, what is left."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from agents import orchestrator
from agents.orchestrator.spec import AGENT as ORCHESTRATOR
from agents.workers import workers
from domain.orchestration import OrchestrationResult
from domain.runs import Outcome
from runtime.dead_letters import DeadLetter, DeadLetters
from tests.fakes import call
from tests.workflows.orchestra import (
    asks,
    done,
    ends,
    failed,
    given,
    goal,
    play,
    ran,
    result,
    said,
    so_far,
    start,
    task,
    worker,
)
from tests.workflows.stage import Handle, Stage, eventually
from tests.workflows.world import World, writing


def nothing(_: dict[str, Any]) -> None:
    """Succeed at everything."""


async def letters(stage: Stage, run_id: str) -> list[DeadLetter]:
    """Return the dead letters of a run."""
    kept = await DeadLetters(stage.database).list(limit=1_000)
    return [letter for letter in kept if letter.run_id == run_id]


def needs(task_id: str, one: str, **more: Any) -> dict[str, Any]:
    """Return a task that needs an output."""
    return {"id": task_id, "needs": {"one": one}, **more}


@pytest.mark.requirement("C4.3:retry-queue")
async def test_each_kind_of_trouble_ends_where_the_table_says(stage: Stage) -> None:
    """Fails twice then succeeds: done. Asks: a person, then done. Fails for good: a letter."""

    def answers(task: dict[str, Any]) -> Any:
        if task["task"] == "stumbles" and task["attempt"] < 3:
            return failed()
        if task["task"] == "asks" and not task["told"]:
            return asks()
        return failed("for good") if task["task"] == "hopeless" else None

    await play(stage, answers, sandboxed=True)
    handle = await start(stage, goal("smooth", "stumbles", "asks", "hopeless"))
    await stage.asked(handle)
    await stage.decide(handle, verdict="approve", reason="the left one", by="Ada")

    found = await result(stage, handle)

    assert ends(found) == {
        "smooth": "done",
        "stumbles": "done",
        "asks": "done",
        "hopeless": "failed",
    }
    assert (task(found, "stumbles").attempts, task(found, "hopeless").attempts) == (3, 3)
    assert given(stage, "asks")[1]["told"] == [
        {"question": "which one?", "answer": "the left one", "by": "Ada"}
    ]
    (letter,) = await letters(stage, handle.id)
    assert letter.id == task(found, "hopeless").letter
    assert "task 'hopeless' failed 3 times: for good" in letter.reason
    assert (found.outcome, found.whole) == (Outcome.COMPLETED, False)


@pytest.mark.requirement("C4.3:parallel")
async def test_a_task_gets_what_it_needs_and_nothing_of_the_others(stage: Stage) -> None:
    """Outputs flow where they are declared; no marker of one branch is in another's call."""
    await play(stage, lambda task: done(n=task["input"].get("n", 0)))
    two = {"id": "both", "needs": {"one": "left", "two": "right"}}

    found = await ran(
        stage,
        goal({"id": "left", "give": {"n": 731}}, {"id": "right", "give": {"n": 2}}, two),
    )

    assert given(stage, "both")[0]["input"]["one"] == {"account": "17", "n": 731}
    right = next(asked for asked in stage.provider.asked if '"right"' in asked.messages[0].text)
    assert all("731" not in message.text for message in right.messages)
    assert ends(found) == {"left": "done", "right": "done", "both": "done"}
    assert found.outputs["left"] == {"account": "17", "n": 731}
    assert found.result == "both"


@pytest.mark.requirement("C4.3:parallel")
async def test_independent_tasks_run_at_once_and_no_more_than_allowed(stage: Stage) -> None:
    """Of seven that could, three run at a time."""
    await play(stage, nothing)
    handle = await start(stage, goal(*(f"t{n}" for n in range(7)), parallel=3))
    await result(stage, handle)

    running = most = 0
    for event in (await handle.fetch_history()).events:
        begins = EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED
        ends_ = EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED
        running += (event.event_type == begins) - (event.event_type == ends_)
        most = max(most, running)
    assert most == 3


@pytest.mark.requirement("C4.3:retry-queue")
async def test_what_failed_waits_behind_the_others_of_its_phase(stage: Stage) -> None:
    """It is in the queue where everybody sees it, then for its time, then another run's turn."""
    await play(stage, lambda t: failed() if t["task"] == "bad" and t["attempt"] == 1 else None)
    wanted = goal("bad", "a", needs("b", "a"), needs("c", "b"), backoff_s=1.5, parallel=1)
    handle = await start(stage, wanted)

    async def queued() -> OrchestrationResult | None:
        now = await so_far(handle)
        return now if ends(now).get("c") == "done" else None

    waiting = await eventually(queued)
    found = await result(stage, handle)

    assert (task(waiting, "bad").standing, task(waiting, "bad").reason) == ("retry", "no luck")
    assert task(waiting, "bad").due_at is not None
    order = [json.loads(asked.messages[0].text)["task"] for asked in stage.provider.asked]
    assert order == ["bad", "a", "b", "c", "bad"]
    assert [each["attempt"] for each in given(stage, "bad")] == [1, 2]
    assert given(stage, "bad")[1]["earlier"] == ["no luck"]
    assert task(found, "bad").run_id == f"{handle.id}/bad-2"


@pytest.mark.requirement("C4.3:rest-finished")
async def test_what_needs_a_failed_task_is_named_and_the_rest_is_finished(stage: Stage) -> None:
    """Directly or through another; nothing else is touched."""
    await play(stage, lambda task: failed("broken") if task["task"] == "bad" else None)
    wanted = goal("bad", needs("next", "bad"), needs("last", "next"), "a", needs("b", "a"))

    found = await ran(stage, {**wanted, "attempts": 1})

    assert ends(found) == {
        "bad": "failed",
        "next": "not_done",
        "last": "not_done",
        "a": "done",
        "b": "done",
    }
    assert found.not_done == (
        "bad: broken",
        "next: it needs what bad did not give",
        "last: it needs what next did not give",
    )


@pytest.mark.requirement("C4.3:dead-letter")
async def test_a_letter_does_again_just_the_task_and_what_waited_for_it(stage: Stage) -> None:
    """The others' outputs are handed over; nothing that was done is done again."""
    mended: list[bool] = []
    await play(stage, lambda t: failed() if t["task"] == "bad" and not mended else None)
    wanted = goal("good", needs("bad", "good"), needs("next", "bad"), needs("other", "good"))
    handle = await start(stage, {**wanted, "attempts": 2})
    await result(stage, handle)
    (letter,) = await letters(stage, handle.id)
    sent = json.loads(letter.payload)
    asked_before = len(stage.provider.asked)
    mended.append(True)

    again = await stage.begin(sent["workflow"], sent["input"])
    found = await result(stage, again)

    assert (sent["task"], letter.agent) == ("bad", "smith")
    assert ends(found) == {"bad": "done", "next": "done"}
    assert len(stage.provider.asked) - asked_before == 2
    assert given(stage, "bad")[-1]["input"]["one"] == {"account": "17", "n": 0}
    assert set(found.outputs) == {"good", "bad", "next"}


# --- a person


async def asking(stage: Stage, *more: dict[str, Any], **request: Any) -> Handle:
    """Start a run whose first task asks, and wait for its question."""
    await play(stage, lambda t: asks("how many?") if t["task"] == "a" and not t["told"] else None)
    handle = await start(stage, goal("a", *more), **request)
    await stage.asked(handle)
    return handle


@pytest.mark.requirement("C4.3:needs-human")
async def test_a_person_can_give_the_output_and_it_is_typed(stage: Stage) -> None:
    """What does not fit the worker's schema changes nothing; what fits is the output, as it is."""
    handle = await asking(stage, needs("b", "a"))
    question = (await stage.status(handle)).question
    assert question is not None

    with pytest.raises(Exception, match="Workflow update failed") as refused:
        await stage.decide(handle, verdict="modify", arguments={"n": "many"})
    await stage.decide(handle, verdict="modify", arguments={"account": "17", "n": 5})
    found = await result(stage, handle)

    assert (question["kind"], question["why"]) == ("task", "how many?")
    assert question["arguments"] == {"account": "string", "n": "integer"}
    assert "'many' is not of type 'integer'" in str(refused.value.__cause__)
    assert found.outputs["a"] == {"account": "17", "n": 5}
    assert len(given(stage, "a")) == 1
    assert given(stage, "b")[0]["input"]["one"]["n"] == 5


@pytest.mark.requirement("C4.3:needs-human")
async def test_a_no_fails_the_task_for_good_with_the_reason(stage: Stage) -> None:
    """No retry asks again what a person has refused."""
    handle = await asking(stage, needs("b", "a"))

    await stage.decide(handle, verdict="reject", reason="not ours to say")
    found = await result(stage, handle)

    assert ends(found) == {"a": "failed", "b": "not_done"}
    assert "not ours to say" in task(found, "a").reason
    assert len(given(stage, "a")) == 1


@pytest.mark.requirement("C4.3:needs-human")
async def test_a_question_holds_up_nothing_but_what_depends_on_it(stage: Stage) -> None:
    """The rest, with a retry of its own, is done while the question is open."""

    def answers(task: dict[str, Any]) -> Any:
        if task["task"] == "a":
            return None if task["told"] else asks()
        return failed() if task["task"] == "c" and task["attempt"] == 1 else None

    await play(stage, answers)
    handle = await start(stage, goal("a", needs("b", "a"), "c", needs("d", "c")))

    async def rest_done() -> dict[str, str] | None:
        now = ends(await so_far(handle))
        return now if now.get("d") == "done" else None

    assert await eventually(rest_done) == {"a": "asked", "b": "waiting", "c": "done", "d": "done"}
    await handle.signal("approve")
    assert ends(await result(stage, handle))["b"] == "done"
    assert given(stage, "a")[1]["told"][0]["answer"] == "yes"


@pytest.mark.requirement("C4.3:ends")
async def test_a_dry_run_asks_nobody_and_says_what_it_would_have(stage: Stage) -> None:
    """The task that asks fails for good; a checkpoint that does not hold is noted."""
    await play(stage, lambda t: asks() if t["task"] == "a" else None)
    phases = [{"name": "one"}, {"name": "two"}]

    found = await ran(
        stage,
        goal("a", {"id": "b", "phase": "two"}, phases=phases),
        dry_run=True,
    )

    assert ends(found) == {"a": "failed", "b": "done"}
    assert "a dry run asks nobody" in task(found, "a").reason
    assert any("would have been asked: a is not there" in each for each in found.not_done)


@pytest.mark.requirement("C4.3:ends")
@pytest.mark.parametrize("how", ["abort", "cancel"])
async def test_a_run_that_is_ended_names_every_task_and_keeps_its_letters(
    stage: Stage, how: str
) -> None:
    """What failed for good before can still be sent again."""
    await play(stage, lambda t: asks() if t["task"] == "a" else failed("broken"))
    handle = await start(stage, goal("a", needs("b", "a"), "bad", attempts=1))
    await stage.until(handle, lambda s: s.question and s.extra["failed for good"] == 1)

    if how == "abort":
        await handle.signal("abort", {"by": "Ada"})
    else:
        await handle.cancel()
    status = await stage.closed(handle)

    (letter,) = await letters(stage, handle.id)
    assert "'bad'" in letter.reason
    wanted = "COMPLETED" if how == "abort" else "CANCELED"
    assert status is WorkflowExecutionStatus[wanted]
    if how == "abort":
        found = await result(stage, handle)
        assert found.outcome is Outcome.ABORTED
        assert ends(found) == {"a": "not_done", "b": "not_done", "bad": "failed"}


# --- checkpoints

PHASES = [
    {"name": "one", "holds": [{"same": ["a.n", "b.n"], "why": "both count the same"}]},
    {"name": "two"},
]


def two_phases(**more: Any) -> dict[str, Any]:
    """Return a goal whose second phase needs what two tasks of the first agree on."""
    last = {"id": "last", "phase": "two", "needs": {"one": "a"}}
    return goal("a", "b", "c", last, phases=PHASES, agree=["account"], **more)


@pytest.mark.requirement("C4.3:checkpoint")
async def test_a_contradiction_stops_the_run_and_retry_mends_it(stage: Stage) -> None:
    """Both outputs that it is about are done again, told why; nothing else is."""
    await play(stage, lambda t: done(n=1) if t["task"] == "b" and not t["earlier"] else done(n=2))
    handle = await start(stage, two_phases())
    stopped = (await stage.stopped(handle)).stop
    assert stopped is not None
    before = len(given(stage, "last"))

    await handle.signal("retry")
    found = await result(stage, handle)

    assert stopped.step == "checkpoint of phase 'one'"
    assert "a.n is 2, b.n is 1 (both count the same)" in stopped.reason
    assert "retry has a, b done again" in stopped.hint
    assert before == 0
    assert [len(given(stage, name)) for name in ("a", "b", "c", "last")] == [2, 2, 1, 1]
    assert "a checkpoint did not hold" in given(stage, "b")[1]["earlier"][0]
    assert [each.way for each in found.checkpoints] == ["retry", "coherent", "coherent"]
    assert found.whole


@pytest.mark.requirement("C4.3:checkpoint")
async def test_a_person_can_go_on_without_or_end_the_run(stage: Stage) -> None:
    """What was let pass is not asked about again, and stays in the result."""
    await play(stage, lambda t: done(account="71") if t["task"] == "b" else None)

    skipped = await start(stage, two_phases())
    aborted = await start(stage, two_phases())
    await stage.stopped(skipped)
    await stage.stopped(aborted)
    await skipped.signal("skip")
    await aborted.signal("abort")

    went_on, ended = await result(stage, skipped), await result(stage, aborted)
    assert went_on.whole
    assert went_on.checkpoints[0].way == "skip"
    assert went_on.checkpoints[0].wrong == ('b.account is "71", and the goal\'s account is "17"',)
    assert ended.outcome is Outcome.ABORTED
    assert ends(ended)["last"] == "not_done"


@pytest.mark.requirement("C4.3:checkpoint")
async def test_no_phase_begins_before_every_output_of_the_last_is_there(stage: Stage) -> None:
    """A person decides: once its cause is mended, only the failed task is done again."""
    mended: list[bool] = []
    await play(stage, lambda t: failed("down") if t["task"] == "a" and not mended else None)
    handle = await start(stage, goal(*two_phases()["tasks"], phases=PHASES, attempts=1))
    stopped = (await stage.stopped(handle)).stop
    assert stopped is not None
    mended.append(True)

    await handle.signal("retry")
    found = await result(stage, handle)

    assert stopped.reason == "a is not there: a failed for good (down), and without it not last"
    assert [len(given(stage, name)) for name in ("a", "b", "last")] == [2, 1, 1]
    assert found.whole
    assert await letters(stage, handle.id) == []


@pytest.mark.requirement("C4.3:checkpoint")
async def test_an_output_of_the_wrong_type_reaches_no_worker(stage: Stage) -> None:
    """A task whose input does not fit fails for good before anything is bought."""
    await play(stage, nothing)
    wired = {"id": "b", "needs": {"n": "a"}}  # a whole thing where a number is taken

    found = await ran(stage, goal("a", wired))

    assert ends(found) == {"a": "done", "b": "failed"}
    assert "its input is not what smith takes: n: " in task(found, "b").reason
    assert given(stage, "b") == []


# --- limits and writes


@pytest.mark.requirement("C4.3:budget")
async def test_what_the_budget_has_no_room_for_is_named(stage: Stage) -> None:
    """The run ends as a limit, with what was done before."""
    await play(stage, nothing)
    wanted = goal("a", needs("b", "a"), tokens=20_020, limits={"tokens": 20_000}, parallel=1)

    found = await ran(stage, wanted)

    assert found.outcome is Outcome.LIMIT
    assert ends(found) == {"a": "done", "b": "not_done"}
    assert "the budget has no room" in task(found, "b").reason
    assert found.spend.tokens <= 20_020


@pytest.mark.requirement("C4.3:no-write-twice")
async def test_a_worker_that_fails_after_it_wrote_is_not_tried_again(stage: Stage) -> None:
    """Another attempt would be another run, and write again."""
    world = World()
    smith = worker(tools=[writing(world, idempotent=True)])
    await play(stage, lambda t: failed() if t["results"] else call("put", item="x"), smith)

    found = await ran(stage, goal("a", attempts=5))

    assert ends(found) == {"a": "failed"}
    assert "after it had written: put" in task(found, "a").reason
    assert world.done == ["put x"]


@pytest.mark.requirement("C4.3:typed-union")
async def test_an_answer_that_is_none_of_the_three_goes_back_to_the_worker(stage: Stage) -> None:
    """Its own run sends it back; success must carry an output of the worker's type."""
    wrong = [said(kind="success", output={"n": "x"}), said(kind="maybe")]
    await play(stage, lambda _: wrong.pop(0) if wrong else done(n=4))

    found = await ran(stage, goal("a"))

    assert found.outputs["a"]["n"] == 4
    assert (len(stage.provider.asked), task(found, "a").attempts) == (3, 1)


# --- goals and plans that cannot be

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


def plan(*tasks: tuple[str, dict[str, str]], name: str = "smith") -> str:
    """Return a plan as the orchestrator writes it."""
    return json.dumps(
        {
            "tasks": [
                {
                    "id": task_id,
                    "worker": name,
                    "does": "it",
                    "needs": [{"field": field, "name": needed} for field, needed in wants.items()],
                    "output": task_id,
                    "phase": "",
                }
                for task_id, wants in tasks
            ]
        }
    )


CIRCLE = plan(("a", {"one": "b"}), ("b", {"one": "a"}))
GOOD = plan(("a", {"account": "account"}), ("b", {"one": "a"}))


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


async def asked_below(stage: Stage, handle: Handle) -> dict[str, Any]:
    """Wait for the question of a run below, which may not have started yet."""

    async def question() -> dict[str, Any] | None:
        with suppress(RPCError):
            return (await stage.status(handle)).question
        return None

    return await eventually(question)


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
