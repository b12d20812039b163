"""Specialists that fail: tried again, exchanged, or put before a person; each decision is kept."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError

from domain.researching import ResearchResult
from domain.runs import Outcome
from tests.fakes import Asked, Never, Say, Step
from tests.workflows import researching
from tests.workflows.stage import Handle, Stage, eventually

NONSENSE = Say("I would rather talk about the weather.")


def failing(agent: str, times: int = 10**6) -> Callable[[Asked, Say], Step | None]:
    """Make the first runs of an agent end without a usable answer: three refused answers each."""
    left = [times * 3]

    def change(asked: Asked, usual: Say) -> Step | None:
        if asked.agent != agent or (agent == "researcher_search" and usual.calls) or not left[0]:
            return None
        left[0] -= 1
        return NONSENSE

    return change


async def _begin(
    stage: Stage, documents: str, change: researching.Change, **request: Any
) -> Handle:
    researching.equip(stage)
    await stage.play(researching.team(), researching.script(change))
    return await researching.start(stage, documents, **request)


def _decided(result: ResearchResult) -> list[tuple[str, str, str]]:
    return [(each.by, each.action, each.to) for each in result.recoveries]


@pytest.mark.requirement("C4.2:retry")
@pytest.mark.requirement("C4.2:decisions")
async def test_a_specialist_that_failed_once_is_tried_again(stage: Stage, tmp_path: Path) -> None:
    """The supervisor's decision is its run's typed answer, and stands in the result."""
    result = await researching.researched(
        stage, researching.folder(tmp_path / "d"), failing("researcher_synthesis", 1)
    )

    assert result.outcome is Outcome.COMPLETED
    assert result.claims
    assert _decided(result) == [("supervisor", "retry", "")]
    (put,) = [worked for worked in result.work if worked.task.id == "put-1"]
    assert [attempt.outcome for attempt in put.attempts] == [Outcome.ABORTED, Outcome.COMPLETED]
    asked = [json.loads(each.messages[0].text) for each in stage.provider.asked]
    (decision,) = [task for task in asked if task.get("want") == "decision"]
    assert decision["task"]["id"] == "put-1"
    handle = stage.client.get_workflow_handle(f"{result.run_id}/decide-put-1-1")
    assert (await handle.result())["answer"]["decision"]["action"] == "retry"


@pytest.mark.requirement("C4.2:reassign")
async def test_what_one_specialist_fails_at_twice_goes_to_another(
    stage: Stage, tmp_path: Path
) -> None:
    """The writer never answers in form; the editor writes the report."""
    result = await researching.researched(
        stage, researching.folder(tmp_path / "d"), failing("researcher_writer")
    )

    assert result.outcome is Outcome.COMPLETED
    assert result.claims
    assert _decided(result) == [
        ("supervisor", "retry", ""),
        ("supervisor", "reassign", "researcher_editor"),
    ]
    write = result.work[-1]
    assert write.task.specialist == "researcher_editor"
    assert [attempt.specialist for attempt in write.attempts] == [
        "researcher_writer",
        "researcher_writer",
        "researcher_editor",
    ]


@pytest.mark.requirement("C4.2:ask")
async def test_a_person_gives_the_task_to_another_once_the_tries_are_used_up(
    stage: Stage, tmp_path: Path
) -> None:
    """One try is allowed: the rules ask a person, whose wrong answer changes nothing."""
    handle = await _begin(
        stage, researching.folder(tmp_path / "d"), failing("researcher_synthesis"), attempts=1
    )

    question = await stage.asked(handle)
    assert question["kind"] == "specialist"
    assert "researcher_synthesis failed" in question["why"]
    await handle.signal("modify", {"arguments": {"specialist": "researcher_writer"}})
    await stage.until(handle, lambda status: status.ignored)
    await stage.decide(
        handle, verdict="modify", arguments={"specialist": "researcher_digest"}, by="m.novak"
    )
    result = await researching.finished(stage, handle)

    assert result.claims
    assert _decided(result) == [("rule", "ask", ""), ("person", "reassign", "researcher_digest")]
    assert result.decisions[0].by == "m.novak"


@pytest.mark.requirement("C4.2:ask")
async def test_a_part_that_a_person_leaves_out_is_named(stage: Stage, tmp_path: Path) -> None:
    """The rest goes on with what there is: without claims, a report that says so."""
    handle = await _begin(
        stage, researching.folder(tmp_path / "d"), failing("researcher_synthesis"), attempts=1
    )

    await stage.asked(handle)
    await handle.signal("reject", {"reason": "not worth it"})
    result = await researching.finished(stage, handle)

    assert result.outcome is Outcome.COMPLETED
    assert result.claims == ()
    assert _decided(result)[-1] == ("person", "leave", "")
    assert "not worth it" in result.not_done[0]


@pytest.mark.requirement("C4.2:silence")
async def test_a_dry_run_asks_nobody_and_leaves_the_part_out(stage: Stage, tmp_path: Path) -> None:
    """Silence means: it goes on without that part."""
    result = await researching.researched(
        stage,
        researching.folder(tmp_path / "d"),
        # A dry run takes an answer that stays wrong as it is; here there is none at all.
        lambda asked, usual: Say("[]") if asked.agent == "researcher_synthesis" else None,
        attempts=1,
        dry_run=True,
    )

    assert result.outcome is Outcome.COMPLETED
    assert _decided(result) == [("rule", "ask", ""), ("person", "leave", "")]
    assert result.not_done


@pytest.mark.requirement("C4.2:ask")
async def test_a_supervisor_that_decides_nonsense_leaves_it_to_a_person(
    stage: Stage, tmp_path: Path
) -> None:
    """A specialist of another kind cannot take it; `approve` has the same one try again."""
    synthesis = failing("researcher_synthesis", 1)

    def change(asked: Asked, usual: Say) -> Step | None:
        if '"decision"' in asked.messages[0].text and asked.agent == "researcher_supervisor":
            decision = {"action": "reassign", "specialist": "researcher_writer"}
            return Say(json.dumps({"decision": decision}))
        return synthesis(asked, usual)

    handle = await _begin(stage, researching.folder(tmp_path / "d"), change)
    await stage.asked(handle)
    await handle.signal("approve")
    result = await researching.finished(stage, handle)

    assert result.claims
    assert _decided(result) == [("rule", "ask", ""), ("person", "retry", "")]


@pytest.mark.requirement("C4.2:plan-person")
async def test_a_person_brings_a_plan_where_the_supervisor_has_none(
    stage: Stage, tmp_path: Path
) -> None:
    """A plan in a circle is refused in words; a good one is followed."""
    handle = await _begin(
        stage, researching.folder(tmp_path / "d"), failing("researcher_supervisor", 1)
    )
    question = await stage.asked(handle)
    assert question["kind"] == "plan"

    task: dict[str, Any] = {"instruction": "idempotency keys of writes", "needs": []}
    search = {**task, "id": "s", "specialist": "researcher_search"}
    put = {**task, "id": "p", "specialist": "researcher_digest", "needs": ["s"]}
    write = {**task, "id": "w", "specialist": "researcher_editor", "needs": ["p"]}
    circle = [search, {**put, "needs": ["s", "p"]}, write]
    await handle.signal("modify", {"arguments": {"tasks": circle}})
    status = await stage.until(handle, lambda status: status.ignored)
    await stage.decide(handle, verdict="modify", arguments={"tasks": [search, put, write]})
    result = await researching.finished(stage, handle)

    assert "circle" in status.ignored[0]
    assert [worked.task.id for worked in result.work] == ["s", "p", "w"]
    assert result.claims


@pytest.mark.requirement("C4.2:plan-person")
async def test_a_person_ends_a_research_without_a_plan(stage: Stage, tmp_path: Path) -> None:
    """`reject` is an outcome with the reason, and no report is laid out."""
    handle = await _begin(
        stage, researching.folder(tmp_path / "d"), failing("researcher_supervisor", 1)
    )
    await stage.asked(handle)
    await handle.signal("reject", {"reason": "another day"})

    result = await researching.finished(stage, handle)

    assert result.outcome is Outcome.ABORTED
    assert "another day" in result.reason
    assert result.html == ""


@pytest.mark.requirement("C4.2:cancel")
async def test_cancelling_a_research_cancels_its_specialists(stage: Stage, tmp_path: Path) -> None:
    """Who searches waits for its model; both close, and nobody is left."""
    handle = await _begin(
        stage,
        researching.folder(tmp_path / "d"),
        lambda asked, usual: Never() if asked.agent == "researcher_search" else None,
    )
    child = stage.client.get_workflow_handle(f"{handle.id}/search-1-1")

    async def asked() -> bool:
        return any(each.agent == "researcher_search" for each in stage.provider.asked)

    await eventually(asked)
    await handle.cancel()

    assert await stage.closed(handle) is WorkflowExecutionStatus.CANCELED
    assert (await child.describe()).status is WorkflowExecutionStatus.CANCELED
    with pytest.raises(WorkflowFailureError):
        await handle.result()
