"""Processes killed at every moment of a run: nothing recorded is repeated, and all goes on."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bench.drill.graceful import stop_in_a_write
from bench.drill.plans import GATE, MOMENTS, UNKNOWN, plan
from bench.drill.rig import Rig, rig
from bench.drill.strike import Target, strike
from bench.drill.verdict import judge
from bench.parked import park

# The drill's goal is 15 s; a machine that runs the whole suite is slower to start a worker.
_GOES_ON_S = 40


@pytest.fixture(scope="module")
async def processes(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Rig]:
    """A server, an offline model and a worker that the tests may kill."""
    async with rig(tmp_path_factory.mktemp("drill")) as running:
        yield running


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("target", ["worker", "server"])
async def test_a_kill_at_any_moment_repeats_nothing(processes: Rig, target: Target) -> None:
    """One run at each moment, one SIGKILL for all: nothing is repeated, nothing happens twice."""
    plans = [plan(moment, seed=100) for moment in MOMENTS]

    runs = await strike(processes, plans, target)

    verdicts = {run.plan.moment: await judge(processes, run) for run in runs}
    assert {moment: verdict.outcome for moment, verdict in verdicts.items()} == dict.fromkeys(
        MOMENTS, "completed"
    )
    assert [v for v in verdicts.values() if v.repeated or v.twice or v.faults or v.missed] == []
    assert max(verdict.seconds for verdict in verdicts.values()) < _GOES_ON_S
    if target == "worker":
        assert verdicts[UNKNOWN].asked == ("in_doubt",)
        assert verdicts[GATE].asked == ()


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_a_graceful_stop_leaves_no_write_in_doubt(processes: Rig) -> None:
    """SIGTERM in the middle of a slow write: exit code 0, and the write is recorded."""
    stopped = await stop_in_a_write(processes, seed=1)

    assert stopped.code == 0
    assert stopped.verdict.asked == ()
    assert stopped.verdict.twice == 0
    assert stopped.verdict.ended_well


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_parked_runs_all_go_on_after_a_kill(tmp_path: Path) -> None:
    """Sixty runs wait for a person, the worker is killed, all are approved at once: none stalls."""
    async with rig(tmp_path) as running:
        found = await park(running, runs=60, answers=60)

    assert found.completed == 60
    assert found.twice == 0
    assert found.first_s < _GOES_ON_S
