"""How triages end: failures, limits, cancels, resets, and what is carried over."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowExecutionStatus

from domain.runs import Outcome
from tests.fakes import Asked, Say, refused
from tests.workflows.stage import Stage
from tests.workflows.triaging import (
    CLEAR,
    NOVEL,
    asking,
    file_of,
    granted,
    model,
    play,
    result,
    sent,
    start,
)

_TASK_COMPLETED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


@pytest.fixture
def tenant() -> str:
    """A tenant of the test's own: what is known is kept by tenant."""
    return f"t-{uuid4().hex[:8]}"


@pytest.mark.requirement("C4.5:failed")
async def test_a_ticket_that_cannot_be_worked_on_is_named(
    stage: Stage, tmp_path: Path, tenant: str
) -> None:
    """A draft with blanks is refused three times; a person gives it up; the rest is kept."""

    def script(asked: Asked) -> Say:
        said = model(asked)
        bad = asked.agent == "triage_reply" and "blank" in asked.messages[0].text
        return Say(json.dumps({"reply": "Dear [name]"})) if bad else said

    await play(stage, script)
    await granted(stage, tenant)
    path = file_of(tmp_path, [("T-1", "", "", f"{CLEAR} blank"), ("T-2", "", "", CLEAR)])

    handle = await start(stage, path, tenant)
    (run,) = await asking(stage, handle, 1)
    await stage.client.get_workflow_handle(run).signal("reject")
    came = await result(stage, handle)

    assert (came.sent_alone, came.failed) == (1, 1)
    assert await sent(stage, tenant) == ["T-2"]


@pytest.mark.requirement("C4.5:budget")
async def test_a_budget_without_room_ends_the_triage(
    stage: Stage, tmp_path: Path, tenant: str
) -> None:
    """One ticket fits at a time and each uses a little: those without a share are not begun."""
    await play(stage)
    await granted(stage, tenant)
    path = file_of(tmp_path, [(f"T-{n}", "", "", CLEAR) for n in range(3)])

    came = await result(stage, await start(stage, path, tenant, tokens=60_030, parallel=2))

    assert came.outcome is Outcome.LIMIT
    assert came.not_done[-1] == "2 tickets were not begun"
    assert await sent(stage, tenant) == ["T-0"]


@pytest.mark.requirement("C4.5:cancel")
async def test_a_cancelled_triage_cancels_its_tickets(
    stage: Stage, tmp_path: Path, tenant: str
) -> None:
    """One ticket is stopped for the model, one waits for a person: both are cancelled."""

    def script(asked: Asked) -> object:
        return refused() if "again" in asked.messages[0].text else model(asked)

    await play(stage, script)
    path = file_of(tmp_path, [("T-1", "", "", NOVEL), ("T-2", "", "", CLEAR)])
    handle = await start(stage, path, tenant, offer=False)
    (run,) = await asking(stage, handle, 1)

    await handle.cancel()
    status = await stage.closed(handle)

    assert status is WorkflowExecutionStatus.CANCELED
    assert await stage.closed(stage.client.get_workflow_handle(run)) is status
    assert await sent(stage, tenant) == []


@pytest.mark.requirement("C4.5:input")
async def test_what_cannot_be_read_is_refused(stage: Stage, tmp_path: Path, tenant: str) -> None:
    """A file that is not there goes to the dead letters with the reason; nothing is left open."""
    await play(stage)

    came = await result(stage, await start(stage, str(tmp_path / "none.csv"), tenant))

    assert came.outcome is Outcome.REJECTED
    assert "none.csv: No such file" in came.reason or "taxonomy.yaml: No such file" in came.reason


@pytest.mark.requirement("C4.5:carried")
def test_a_ticket_that_waits_is_carried_over() -> None:
    """The recorded run had continued as new with a ticket open, and heard of its end."""
    path = Path(__file__).parents[1] / "replay" / "triage" / "continued.json"
    events = json.loads(path.read_text(encoding="utf-8"))["events"]
    begun = _payload(events[0]["workflowExecutionStartedEventAttributes"]["input"])
    ended = _payload(events[-1]["workflowExecutionCompletedEventAttributes"]["result"])

    assert begun["state"]["continued"] >= 1
    assert begun["state"]["waiting"] == [1]
    assert (ended["sent_alone"], ended["sent_by_person"], ended["waiting"]) == (12, 1, 0)


def _payload(of: dict[str, list[dict[str, str]]]) -> dict[str, Any]:
    return json.loads(b64decode(of["payloads"][0]["data"]))


@pytest.mark.requirement("C4.5:once")
async def test_a_triage_that_is_reset_takes_over_its_tickets(
    stage: Stage, tmp_path: Path, tenant: str
) -> None:
    """Taken up again before its tickets began: what they came to is found, nothing is redone."""
    await play(stage)
    await granted(stage, tenant)
    path = file_of(tmp_path, [(f"T-{n}", "", "", f"{CLEAR} {n}") for n in range(3)])
    handle = await start(stage, path, tenant)
    first = await result(stage, handle)
    bought = len(stage.provider.sold)
    history = await handle.fetch_history()
    tasks = [e.event_id for e in history.events if e.event_type == _TASK_COMPLETED]

    await stage.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=stage.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=handle.id),
            workflow_task_finish_event_id=tasks[1],
            request_id=uuid4().hex,
        )
    )
    again = await result(stage, stage.client.get_workflow_handle(handle.id))

    assert (first.sent_alone, again.sent_alone, again.outcome) == (3, 3, "completed")
    assert len(stage.provider.sold) == bought
    assert await sent(stage, tenant) == ["T-0", "T-1", "T-2"]
