"""A run that has used up its share: what the run above gives, and what it cannot."""

from typing import Any

import pytest

from domain.budget import Limits, Usage
from domain.run import AgentResult, Outcome
from tests.fakes import Asked, Say, Step, call, calls, refused
from tests.workflows.stage import Stage
from tests.workflows.team import by_agent, errand, team
from tests.workflows.world import reading

_TURN = Usage(input_tokens=3_000, output_tokens=500)


def _busy(turns: int) -> Any:
    """Return a helper that looks `turns` times before it answers, 3,500 tokens each time."""

    def helper(asked: Asked) -> Step:
        if len(asked.results) < turns:
            said = call("lookup", key=str(len(asked.results)))
            return Say(calls=said.calls, usage=_TURN)
        return Say("found", usage=_TURN)

    return helper


async def _play(stage: Stage, own: Limits, turns: int = 6, **caller: Any) -> AgentResult:
    """Run a caller of 60,000 tokens whose helper has a share of 12,000 and needs 24,500."""
    helper = {"tools": [reading()], "limits": own, "max_output_tokens": 500}
    caller = {"limits": Limits(tokens=60_000)} | caller
    script = by_agent(caller=[call("ask_helper", item="a"), "done"], helper=_busy(turns))
    await stage.play(team([errand(share=0.2)], helper, **caller), script)
    return await stage.run()


@pytest.mark.requirement("C4.1:lend")
async def test_a_share_that_is_used_up_grows_while_there_is_room(stage: Stage) -> None:
    """Half a share at a time; the caller pays for all of it, within its own limit."""
    result = await _play(stage, Limits(tokens=100_000))

    assert stage.provider.asked[-1].results == ["found"]
    assert result.spend.tokens == 7 * 3_500 + 60
    assert result.spend.tokens <= 60_000


@pytest.mark.requirement("C4.1:lend-own")
async def test_nobody_is_lent_more_than_its_own_limits(stage: Stage) -> None:
    """The helper may use 15,000 by itself, whatever its caller has left."""
    result = await _play(stage, Limits(tokens=15_000))

    told = stage.provider.asked[-1].results[0]
    assert "helper has no answer: limit" in told
    assert result.spend.tokens <= 15_000 + 60


@pytest.mark.requirement("C4.1:lend-room")
async def test_a_caller_lends_what_it_has_and_no_more(stage: Stage) -> None:
    """Ten helpers want twice their shares: some get it, some do not, and the limit holds."""
    stage.sandboxed = False
    wanted = calls(*(("ask_helper", {"item": str(number)}) for number in range(10)))
    helper = {
        "tools": [reading()],
        "limits": Limits(tokens=100_000),
        "max_output_tokens": 500,
    }
    script = by_agent(caller=[wanted, "done"], helper=_busy(5))
    agents = team([errand(share=0.06)], helper, limits=Limits(tokens=200_000))
    await stage.play(agents, script)

    result = await stage.run()

    told = stage.provider.asked[-1].results
    assert result.outcome is Outcome.COMPLETED
    assert 0 < sum(each == "found" for each in told) < 10
    assert any("helper has no answer: limit" in each for each in told)
    assert result.spend.tokens <= 200_000


@pytest.mark.requirement("C4.1:lend-signals")
async def test_a_strangers_word_moves_no_budget(stage: Stage) -> None:
    """What was not asked for is not granted, and what is no run below is lent nothing."""
    await stage.play(team(limits=Limits(tokens=10_000)), by_agent(caller=[refused(), "done"]))
    handle = await stage.start()
    await stage.stopped(handle)
    before = (await stage.status(handle)).limits

    await handle.signal("budget_granted", {"run_id": handle.id, "tokens": 10**9})
    await handle.signal("budget_asked", {"run_id": "nobody", "tokens": 5})
    await handle.signal("budget_asked", "what")
    status = await stage.until(handle, lambda status: status.ignored)
    await handle.signal("retry")

    assert status.limits == before
    assert (await stage.result(handle)).outcome is Outcome.COMPLETED
