"""Questions of tasks, and checkpoints: what a person is asked, and what each answer does."""

from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus

from domain.runs import Outcome
from tests.workflows.orchestra import (
    PHASES,
    asks,
    done,
    ends,
    failed,
    given,
    goal,
    letters,
    needs,
    nothing,
    play,
    ran,
    result,
    so_far,
    start,
    task,
    two_phases,
)
from tests.workflows.stage import Handle, Stage, eventually


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


@pytest.mark.requirement("C4.3:needs-human")
async def test_two_tasks_that_ask_are_asked_about_one_after_the_other(stage: Stage) -> None:
    """Each answer goes to the task whose question it answers."""
    await play(stage, lambda t: asks(f"{t['task']}?") if not t["told"] else None)
    handle = await start(stage, goal("a", "b"))
    first = await stage.asked(handle)
    await stage.decide(handle, verdict="approve", reason=f"to {first['why']}")
    second = await stage.until(handle, lambda s: s.question and s.question["id"] != first["id"])
    assert second.question is not None
    await stage.decide(handle, verdict="approve", reason=f"to {second.question['why']}")

    assert ends(await result(stage, handle)) == {"a": "done", "b": "done"}
    for name in ("a", "b"):
        assert given(stage, name)[-1]["told"][0]["answer"] == f"to {name}?"


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
