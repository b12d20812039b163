"""What is done about a run in circles: each step of the ladder, and what it is told of."""

from itertools import count

import pytest

from domain.loops import LoopPolicy
from domain.run import Outcome
from domain.spec import AgentSpec
from tests.fakes import Asked, Step, call
from tests.workflows.stage import Stage, agent
from tests.workflows.world import PATIENT, reading


def stubborn(asked: Asked) -> Step:
    """Ask the same in ever other spellings, whatever is said; end when six were tried."""
    if len([each for each in asked.messages if each.role == "assistant"]) > 7:
        return "done"
    return call("lookup", key="late orders" + " " * len(asked.messages))


NOISY = {"late orders" + " " * n: f'{{"found": 0, "ts": "10:00:{n:02}"}}' for n in range(40)}


@pytest.mark.requirement("C5.6:ladder")
@pytest.mark.parametrize(
    ("ladder", "outcome", "told"),
    [
        (("nudge",), Outcome.COMPLETED, "brought nothing new"),
        (("forbid",), Outcome.COMPLETED, "are withheld"),
        (("backtrack",), Outcome.COMPLETED, "were taken out"),
        (("stop",), Outcome.LIMIT, "find it"),
        ((), Outcome.COMPLETED, "find it"),
    ],
)
async def test_each_step_does_what_it_says(
    stage: Stage, ladder: tuple[str, ...], outcome: Outcome, told: str
) -> None:
    """Told, withheld in any spelling, taken out, ended; or nothing where nothing is declared."""
    policy = LoopPolicy.model_validate({"ladder": ladder})
    await stage.play(agent(tools=[reading(NOISY)], loops=policy), stubborn)

    result = await stage.run("find it")

    said = " ".join(m.text for m in stage.provider.asked[-1].messages if m.role == "user")
    assert result.outcome is outcome
    assert told in said
    assert [each.step for each in result.loops][:1] == list(ladder[:1])
    withheld = [text for text in stage.provider.asked[-1].results if "withheld" in text]
    assert bool(withheld) is (ladder in {("forbid",), ("backtrack",)})
    if ladder == ("stop",):
        assert result.reason == "limit reached: going in circles (repeat: lookup)"


@pytest.mark.requirement("C5.6:ladder")
async def test_the_ladder_is_climbed(stage: Stage) -> None:
    """Nudged, then withheld, then a person, who stays; their hint is read."""
    policy = LoopPolicy(ladder=("nudge", "person"))
    numbers = count()

    def script(asked: Asked) -> Step:
        if "try the archive" in str(asked.messages):
            return "found it"
        return call("lookup", key=f"same{next(numbers) // 3}")

    await stage.play(agent(tools=[reading()], loops=policy, approvals=PATIENT), script)
    handle = await stage.start()
    question = await stage.asked(handle)
    await stage.decide(handle, verdict="approve", reason="try the archive")
    result = await stage.result(handle)

    assert question["kind"] == "stuck"
    assert [each.step for each in result.loops] == ["nudge", "person"]
    assert result.answer == "found it"


@pytest.mark.requirement("C5.6:found")
async def test_calls_that_are_refused_go_in_circles_too(stage: Stage) -> None:
    """A model that insists on a tool that is not there is turned round like any."""

    def script(asked: Asked) -> Step:
        return "enough" if "circles" in str(asked.messages) else call("invented", now=1)

    await stage.play(agent(tools=[reading()]), script)

    result = await stage.run()

    assert (result.outcome, len(result.loops)) == (Outcome.COMPLETED, 1)
    assert len(stage.provider.asked) <= 5


@pytest.mark.requirement("C5.6:as-before")
async def test_an_agent_without_a_policy_goes_on_as_before(stage: Stage) -> None:
    """Other spellings are other calls, as they were."""
    await stage.play(agent(tools=[reading(NOISY)], loops=None), stubborn)

    result = await stage.run()

    assert AgentSpec(name="a", system="s").loops is None
    assert result.loops == ()
    assert not any("circles" in asked.said for asked in stage.provider.asked)
