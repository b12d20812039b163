"""A worker killed in the middle of a repair: it goes on, and nothing is done or paid for twice."""

from pathlib import Path

import psutil
import pytest

from bench.drill.rig import Rig, rig
from domain.repair import RepairResult
from domain.run import Status
from tests.workflows import broken
from tests.workflows.stage import activities_in, eventually

_PATIENCE_S = 60.0
_RUN = "repair-crash"
_SLOW = "2.511"


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
async def test_a_worker_killed_twice_repairs_all_the_same(tmp_path: Path) -> None:
    """While it tests the commit, and while the agent tests its edit; then it is approved."""
    repository = broken.repository(tmp_path / "repository", broken.OPERATOR)
    async with rig(tmp_path / "home") as processes:
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
        stats = await processes.stats()
        left = list((tmp_path / "home" / "repairs").glob("*"))

    assert (result.outcome, result.verdict) == ("completed", "repaired")
    assert result.diff.count("\n+    return net + tax") == 1
    assert broken.git(repository, "rev-list", "--count", result.branch) == "2"
    assert broken.git(repository, "status", "--porcelain") == ""
    assert (stats["repeated"], len(result.rounds)) == (0, 1)
    assert (_testing(), left) == ([], [])
