"""A worker killed in the middle of a chain and of a repair: both go on, nothing is done twice."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.drill.rig import Rig, rig
from domain.chain import ChainResult
from domain.repair import RepairResult
from domain.run import Status
from runtime.settings import variable_of
from tests.workflows import broken
from tests.workflows.stage import activities_in, eventually

_PATIENCE_S = 60.0
_RUN = "repair-crash"
_SLOW = "1.711"
_TEXT = {"type": "string"}
_SHAPE = {"type": "object", "properties": {"text": _TEXT}, "required": ["text"]}


@pytest.fixture(scope="module")
async def processes(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Rig]:
    """A server, an offline model and a worker that the tests may kill."""
    async with rig(tmp_path_factory.mktemp("crash")) as running:
        yield running


def _testing() -> list[int]:
    """Return the tests' processes, by what they sleep."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] == ["sleep", _SLOW]
    ]


async def _edited_and_testing(processes: Rig) -> bool:
    """Whether the agent has made its edit and tests it now."""
    if not _testing():
        return False
    history = await processes.handle(f"{_RUN}/round-1").fetch_history()
    return activities_in(history)[-1:] == ["repo_test"]


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.requirement("C4.7:crash", "C4.7:repaired")
async def test_a_worker_killed_twice_repairs_all_the_same(processes: Rig, tmp_path: Path) -> None:
    """While it tests the commit, and while the agent tests its edit; then it is approved."""
    repository = broken.repository(tmp_path / "repository", broken.OPERATOR)
    handle = await processes.session.client.start_workflow(
        "RepairWorkflow",
        {"repository": str(repository), "test": f"sleep {_SLOW}; {broken.TEST}"},
        id=_RUN,
        task_queue=processes.stack.settings.task_queue,
    )

    async def begun() -> bool:
        return bool(_testing())

    async def edited() -> bool:
        said = await handle.query("status", result_type=Status)
        return said.tool == "round-1" and await _edited_and_testing(processes)

    async def asks() -> bool:
        return bool((await handle.query("status", result_type=Status)).question)

    await eventually(begun, _PATIENCE_S)
    await processes.kill_worker()
    await processes.serving()
    await eventually(edited, _PATIENCE_S)
    await processes.kill_worker()
    await processes.serving()
    await eventually(asks, _PATIENCE_S)
    await handle.signal("approve")
    found = processes.session.client.get_workflow_handle(_RUN, result_type=RepairResult)
    result = await found.result()
    callers = (await processes.stats())["callers"].values()
    left = list((processes.home / "repairs").glob("*"))

    assert (result.outcome, result.verdict) == ("completed", "repaired")
    assert result.diff.count("\n+    return net + tax") == 1
    assert broken.git(repository, "rev-list", "--count", result.branch) == "2"
    assert broken.git(repository, "status", "--porcelain") == ""
    assert (sum(each["repeated"] for each in callers), len(result.rounds)) == (0, 1)
    assert (_testing(), left) == ([], [])


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
async def test_a_worker_killed_in_a_step_costs_that_steps_call_alone(processes: Rig) -> None:
    """Killed while the third of four steps thinks: the answers of the first two are kept."""
    await _slow_model(processes, 1_500)
    before = (await processes.stats())["callers"]
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
    after = (await processes.stats())["callers"]
    calls = [each for caller, each in after.items() if caller not in before]

    assert (result.outcome, result.failed) == ("completed", "")
    assert result.answer == {"text": "One sentence. Another one."}
    assert [step.name for step in result.steps] == ["s0", "s1", "s2", "s3"]
    # A call that was under way may be made again; one that was answered is not.
    assert sorted(each["calls"] for each in calls)[:3] == [1, 1, 1]
    assert sum(each["calls"] for each in calls) <= 5
