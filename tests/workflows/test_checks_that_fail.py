"""A check that cannot be made stops a run: it neither fails it nor lets it pass."""

from typing import Any

import pytest

from activities import validation
from agents.toolkit import tool
from domain.run import Outcome
from tests.fakes import answer, call
from tests.workflows.stage import Stage, agent


@tool(source="ours")
async def look() -> str:
    """Look."""
    return "seen"


@pytest.mark.requirement("C3:stopped-check")
async def test_a_check_that_breaks_stops_the_run_and_is_made_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A local activity's own error is not an ActivityError: the run stands still all the same."""
    sound = validation._check_calls  # pyright: ignore[reportPrivateUsage]

    def broken(request: Any) -> Any:
        raise OSError("the disk is gone")

    monkeypatch.setattr(validation, "_check_calls", broken)
    await stage.play(agent(tools=[look]), [call("look"), answer(found=True)])
    handle = await stage.start()

    status = await stage.stopped(handle)
    monkeypatch.setattr(validation, "_check_calls", sound)
    await handle.signal("retry")
    result = await stage.result(handle)

    assert status.stop is not None
    assert status.stop.step == "check.calls"
    assert "the disk is gone" in status.stop.reason
    assert result.outcome is Outcome.COMPLETED
