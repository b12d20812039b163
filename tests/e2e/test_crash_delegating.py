"""A worker killed while agents run below an agent: nothing is repeated, above or below."""

from pathlib import Path
from uuid import uuid4

import pytest

from agents.drill.place import Place
from bench.drill.plans import KEYED, Plan
from bench.drill.rig import Rig, rig
from bench.drill.strike import Struck
from bench.drill.verdict import judge
from domain.run import AgentRequest, AgentResult
from tests.workflows.stage import eventually

_ASKS = {
    "first": {"steps": [[["drill_look", "a"]], [["drill_pay", "held"]], [["drill_charge", "b"]]]},
    "second": {"steps": [[["drill_charge", "c"]], [["drill_look", "d"]], [["drill_pay", "e"]]]},
}


async def _strike(rig: Rig) -> tuple[AgentResult, list[Struck]]:
    """Start a run with two below it, kill the worker behind an effect, see them all end."""
    run_id = f"delegating-{uuid4().hex[:8]}"
    place = Place.made(rig.home / "drill" / run_id)
    place.hold("held")
    folder = str(place.path)
    task = {
        "drill": folder,
        "steps": [[["drill_ask", "first"], ["drill_ask", "second"]], [["drill_pay", "last"]]],
        "asks": {name: {"drill": folder, **ask} for name, ask in _ASKS.items()},
    }
    handle = await rig.session.client.start_workflow(
        "AgentWorkflow",
        AgentRequest.model_validate({"agent": "drill", "task": task, "data": {"drill": folder}}),
        id=run_id,
        task_queue=rig.stack.settings.task_queue,
    )

    async def held() -> bool:
        return any(line.get("item") == "held" for line in place.lines())

    await eventually(held)
    killed = await rig.kill_worker()
    place.release()
    found = rig.session.client.get_workflow_handle(run_id, result_type=AgentResult)
    result = await found.result()
    assert isinstance(result, AgentResult)
    ids = [run_id, f"{run_id}/1.0-drill", f"{run_id}/1.1-drill"]
    plan = Plan(KEYED, seed=0, steps=())
    runs = [Struck(plan, each, place, handle, killed=killed, outcome="completed") for each in ids]
    for run in runs:
        state = await rig.handle(run.run_id).query("snapshot", 0)
        run.lineage = state["lineage"]
    return result, runs


@pytest.mark.slow
@pytest.mark.timeout(150)
async def test_a_kill_repeats_nothing_above_or_below(tmp_path: Path) -> None:
    """Both runs below and the one above complete; every effect is there once."""
    async with rig(tmp_path) as processes:
        result, runs = await _strike(processes)
        verdicts = [await judge(processes, run) for run in runs]

    effects = [line["item"] for line in runs[0].place.lines() if line["what"] == "effect"]
    assert result.outcome == "completed"
    assert sorted(effects) == ["b", "c", "e", "held", "last"]
    assert [(v.repeated, v.twice, v.faults) for v in verdicts] == [(0, 0, 0)] * 3
