"""A batch longer than one history: it continues as new with numbers, and loses no document."""

import json
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from tests.workflows.batching import finished, folder, invoice, play, rows, start
from tests.workflows.stage import Stage


@pytest.mark.requirement("C4.4:continued")
async def test_a_long_batch_accounts_for_every_document(
    stage: Stage, impatient: Client, tmp_path: Path
) -> None:
    """Two dozen documents over several histories, failures and questions among them: each once."""
    documents: dict[str, str | bytes] = {f"{n:02d}.txt": invoice(f"S {n}") for n in range(20)}
    documents |= {f"f{n}.txt": b"\xff" for n in range(2)}
    documents |= {f"v{n}.txt": invoice("V", "about 2") for n in range(2)}
    stage.client = impatient
    await play(stage)

    handle = await start(stage, folder(tmp_path, documents), parallel=4, review_page=1)
    for _ in range(2):
        question = await stage.asked(handle)
        latest = impatient.get_workflow_handle(handle.id)
        await stage.decide(latest, verdict="approve", approval_id=question["id"])
    latest = impatient.get_workflow_handle(handle.id)
    result = await finished(stage, latest)

    begun = await impatient.get_workflow_handle(
        handle.id, run_id=handle.first_execution_run_id
    ).fetch_history()
    children = [event.event_type for event in begun.events].count(
        EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED
    )
    assert 0 < children < 20  # it did not wait for the end of the list
    assert result.continued >= 1
    assert (result.documents, result.done, result.failed, result.left) == (24, 22, 2, 0)
    assert (len(stage.provider.sold), stage.provider.bought_twice) == (22, 0)
    assert result.spend.steps == 22
    assert {each.state for each in (await rows(stage, latest)).values()} == {"done", "failed"}
    first = (await latest.fetch_history()).events[0].workflow_execution_started_event_attributes
    given = json.loads(first.input.payloads[0].data)
    assert "documents" in given["state"]
    assert "S 1" not in json.dumps(given)
