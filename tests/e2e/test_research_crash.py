"""A worker killed in the middle of a research: it ends as if nothing had happened."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bench.drill.rig import Rig, rig
from commands import history
from domain.researching import ResearchResult
from domain.runs import Outcome
from domain.thinking import ThinkRequest
from runtime.settings import variable_of
from tests.workflows import researching
from tests.workflows.stage import eventually

CLAIMS = {
    "Every write call carries an idempotency key.",
    "A write without a key is tried once.",
    "The key is stable over 3 retries of a write.",
    "Reads run in parallel and need no idempotency key.",
}
_SLOW_MS = 2_000


async def _slow(running: Rig, *agents: str) -> None:
    """Have agents think long, so that a kill can land in it."""
    rules = [{"kind": "latency", "agent": agent, "ms": _SLOW_MS} for agent in agents]
    base = running.stack.env[variable_of("offline_url")]
    answer = await running.http.post(f"{base}/misbehave", json={"rules": rules})
    answer.raise_for_status()


async def _thinks(running: Rig, run_id: str, child: str) -> None:
    """Wait until a run below is asking the model."""
    handle = running.handle(f"{run_id}/{child}")

    async def asking() -> bool:
        raw = (await handle.describe()).raw_description
        return any(each.activity_type.name == "llm.think" for each in raw.pending_activities)

    async def begun() -> bool:
        status: dict[str, Any] = await running.handle(run_id).query("status")
        return child in status["tool"] and await asking()

    await eventually(begun, 40)


async def _bought_again(running: Rig, run_id: str) -> int:
    """Return how many model calls were made after their answer was in a history."""
    again = 0
    query = f"RootWorkflowId = '{run_id}'"
    async for each in running.session.client.list_workflows(query):
        if each.id == run_id:
            continue
        for leg in await history.legs(running.session, each.id):
            for task in history.activities(leg.events):
                if task.type != "llm.think" or task.done is None:
                    continue
                given = task.event.activity_task_scheduled_event_attributes.input
                asked = await history.typed(
                    running.session.client.data_converter, given, ThinkRequest
                )
                recorded = task.done.event_time.ToNanoseconds() / 1e9
                made = (await running.stats(asked.lineage))["list"]
                again += sum(c["at"] > recorded for c in made if c["turn"] == asked.turn)
    return again


@pytest.mark.slow
@pytest.mark.timeout(170)
@pytest.mark.requirement("C4.2:crash")
async def test_a_worker_killed_twice_loses_nothing_and_buys_nothing_again(tmp_path: Path) -> None:
    """Killed while one searches and while claims are verified: the same report as without."""
    documents = researching.folder(tmp_path / "documents")
    request = {"question": researching.QUESTION, "documents": documents}
    async with rig(tmp_path / "home") as running:
        await _slow(running, "researcher_search", "researcher_verifier")
        run_id = f"research-{uuid4().hex[:8]}"
        await _start(running, run_id, request)
        await _thinks(running, run_id, "search-1-1")
        await running.kill_worker()
        await _thinks(running, run_id, "claim-001-1")
        await running.kill_worker()
        struck = ResearchResult.model_validate(await running.handle(run_id).result())
        again = await _bought_again(running, run_id)

    assert struck.outcome is Outcome.COMPLETED
    assert {claim.text for claim in struck.claims} == CLAIMS
    assert struck.removed == ()
    assert all(len(worked.attempts) == 1 for worked in struck.work)
    assert struck.decisions == ()
    assert again == 0


async def _start(running: Rig, run_id: str, request: dict[str, Any]) -> None:
    await running.session.client.start_workflow(
        "ResearchWorkflow",
        request,
        id=run_id,
        task_queue=running.stack.settings.task_queue,
    )
