"""Goals and workers: what runs when, what fails where, who is asked, what is left."""

import json
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus

from domain.orchestration import OrchestrationResult
from domain.runs import Outcome
from tests.fakes import Never, call
from tests.workflows.orchestra import (
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
    said,
    so_far,
    start,
    task,
    worker,
)
from tests.workflows.stage import Stage, eventually
from tests.workflows.world import World, writing


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
    assert (sorted(order[:2]), order[2:]) == (["a", "bad"], ["b", "c", "bad"])
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


@pytest.mark.requirement("C4.3:budget")
async def test_a_worker_that_reaches_its_own_limit_has_failed(stage: Stage) -> None:
    """It is tried again and ends in the dead letters; the run itself had room."""
    await play(stage, nothing)
    small = {"id": "a", "limits": {"tokens": 10}}

    found = await ran(stage, goal(small, "b", attempts=2))

    assert found.outcome is Outcome.COMPLETED
    assert ends(found) == {"a": "failed", "b": "done"}
    assert task(found, "a").reason == "its run ended as limit: limit reached: tokens"


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


@pytest.mark.requirement("C4.3:ends")
async def test_cancelling_a_run_cancels_the_tasks_under_way(stage: Stage) -> None:
    """No worker goes on behind a run that has ended."""
    await play(stage, lambda _: Never())
    handle = await start(stage, goal("a", "b"))

    async def both_asked() -> bool:
        return len(stage.provider.asked) == 2

    await eventually(both_asked)

    await handle.cancel()

    assert await stage.closed(handle) is WorkflowExecutionStatus.CANCELED
    for name in ("a-1", "b-1"):
        below = stage.client.get_workflow_handle(f"{handle.id}/{name}")
        assert await stage.closed(below) is WorkflowExecutionStatus.CANCELED
