"""A worker killed in the middle of a chain: it goes on, and no answered step is asked again."""

from pathlib import Path
from typing import Any

import pytest

from bench.drill.rig import Rig, rig
from domain.chain import ChainResult
from domain.run import Status
from runtime.settings import variable_of
from tests.workflows.stage import eventually

_PATIENCE_S = 60.0
_TEXT = {"type": "string"}
_SHAPE = {"type": "object", "properties": {"text": _TEXT}, "required": ["text"]}


def _chain(count: int) -> dict[str, Any]:
    steps = [
        {"name": f"s{number}", "instruction": "Hand it on.", "input": _SHAPE, "output": _SHAPE}
        for number in range(count)
    ]
    return {"input": _SHAPE, "steps": steps, "given": {"text": "One sentence. Another one."}}


async def _slow_model(processes: Rig, ms: int) -> None:
    base = processes.stack.env[variable_of("offline_url")]
    rules = {"rules": [f"latency,agent=step,ms={ms}"]}
    (await processes.http.post(f"{base}/misbehave", json=rules)).raise_for_status()


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.requirement("C4.6:crash")
async def test_a_worker_killed_in_a_step_costs_that_steps_call_alone(tmp_path: Path) -> None:
    """Killed while the third of four steps thinks: the answers of the first two are kept."""
    async with rig(tmp_path) as processes:
        await _slow_model(processes, 1_500)
        handle = await processes.session.client.start_workflow(
            "ChainWorkflow", _chain(4), id="chain-crash", task_queue="holdfast"
        )

        async def third() -> bool:
            said = await handle.query("status", result_type=Status)
            return said.tool == "s2"

        await eventually(third, _PATIENCE_S)
        await processes.kill_worker()
        await processes.serving()
        found = processes.session.client.get_workflow_handle("chain-crash", result_type=ChainResult)
        result = await found.result()
        calls = (await processes.stats())["callers"].values()

    assert (result.outcome, result.failed) == ("completed", "")
    assert result.answer == {"text": "One sentence. Another one."}
    assert [step.name for step in result.steps] == ["s0", "s1", "s2", "s3"]
    # A call that was under way may be made again; one that was answered is not.
    assert sorted(each["calls"] for each in calls)[:3] == [1, 1, 1]
    assert sum(each["calls"] for each in calls) <= 5
