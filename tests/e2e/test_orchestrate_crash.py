"""A worker killed twice in the middle of a goal: every task ends once, where it should."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agents.drill.place import Place
from bench.drill.rig import Rig, rig
from domain.orchestration import OrchestrationResult
from tests.workflows.stage import eventually

TASKS: dict[str, dict[str, Any]] = {
    "paid": {"give": {"pays": "held"}},
    "stumbles": {"give": {"fails": 2}},
    "hopeless": {"give": {"fails": 99}},
    "slow": {"give": {"seconds": 3}, "needs": {"after": "paid"}},
    "last": {"give": {"pays": "last"}, "needs": {"after": "slow"}},
    "lost": {"needs": {"after": "hopeless"}},
}


def _goal(place: Place) -> dict[str, Any]:
    tasks: list[dict[str, Any]] = []
    for name, task in TASKS.items():
        give = {"name": name, **task.get("give", {})}
        tasks.append({"id": name, "worker": "drill_worker", **task, "give": give})
    drill = {"file": str(place.path)}
    return {"goal": "survive", "inputs": {"drill": drill}, "tasks": tasks, "backoff_s": 0.2}


async def _standing(running: Rig, run_id: str) -> dict[str, str]:
    found = await running.handle(run_id).query("so_far", result_type=OrchestrationResult)
    return {task.id: task.standing for task in found.tasks}


async def _killed_twice(running: Rig) -> tuple[OrchestrationResult, Place]:
    """Kill the worker behind an effect, and again while a model thinks."""
    run_id = f"goal-{uuid4().hex[:8]}"
    place = Place.made(running.home / "drill" / run_id)
    place.hold("held")
    await running.session.client.start_workflow(
        "OrchestratorWorkflow",
        {"goal": _goal(place)},
        id=run_id,
        task_queue=running.stack.settings.task_queue,
    )

    async def in_the_queue() -> bool:
        # The queue waits for the held task, so nothing else is under way when the kill comes.
        now = await _standing(running, run_id)
        took = any(line["what"] == "effect" for line in place.lines())
        return took and now["stumbles"] == now["hopeless"] == "retry"

    async def thinking() -> bool:
        return (await _standing(running, run_id))["slow"] == "running"

    await eventually(in_the_queue, 40)
    await running.kill_worker()
    place.release()
    await eventually(thinking, 40)
    await running.kill_worker()
    found = running.session.client.get_workflow_handle(run_id, result_type=OrchestrationResult)
    result = await found.result()
    assert isinstance(result, OrchestrationResult)
    return result, place


@pytest.mark.slow
@pytest.mark.timeout(150)
async def test_two_kills_repeat_nothing_and_change_no_end(tmp_path: Path) -> None:
    """The queue survives, no effect happens twice, no answered model call is made again."""
    async with rig(tmp_path) as running:
        result, place = await _killed_twice(running)
        stats = await running.stats()

    assert {task.id: task.standing for task in result.tasks} == {
        "paid": "done",
        "stumbles": "done",
        "hopeless": "failed",
        "slow": "done",
        "last": "done",
        "lost": "not_done",
    }
    assert {task.id: task.attempts for task in result.tasks}["stumbles"] == 3
    effects = [line["item"] for line in place.lines() if line["what"] == "effect"]
    assert effects == ["held", "last"]
    assert stats["repeated"] == 0
