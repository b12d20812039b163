"""What a phase has left is checked before the next one begins."""

from collections.abc import Sequence

import pytest

from agents.toolkit import Agent, AnswerToCheck, Phase
from tests.fakes import call, calls
from tests.workflows.stage import Stage, agent
from tests.workflows.world import PATIENT, World, reading, writing


def both_were_read(checked: AnswerToCheck) -> Sequence[str]:
    """Both accounts were read."""
    read = {made.arguments["key"] for made in checked.made if made.tool == "lookup"}
    return [f"account {name} was not read" for name in ("a", "b") if name not in read]


def phased(world: World) -> Agent:
    """Return an agent that reads, then writes."""
    read, put = reading(source="ours"), writing(world, idempotent=True)
    phases = [Phase("gather", [read], [both_were_read]), Phase("book", [put])]
    return agent(tools=[read, put], phases=phases, approvals=PATIENT, revisions=1)


@pytest.mark.requirement("C5.2:phase-checked", "C5.2:account")
async def test_a_tool_of_the_next_phase_waits_for_what_ends_the_one_before(stage: Stage) -> None:
    """Also in one turn with what would end it; the account is kept."""
    world = World()
    script = [
        calls(("lookup", {"key": "a"}), ("put", {"item": "1"})),
        calls(("lookup", {"key": "b"})),
        call("put", item="1"),
        "done",
    ]
    await stage.play(phased(world), script)

    result = await stage.run()

    told = stage.provider.asked[1].results[-1]
    assert "phase 'gather' has not ended: account a was not read; account b was not read" in told
    assert world.done == ["put 1"]
    assert result.checks is not None
    found = [(each.phase, each.way) for each in result.checks.checkpoints]
    assert found == [("gather", "retry"), ("gather", "coherent"), ("book", "coherent")]


@pytest.mark.requirement("C5.2:phase-person")
async def test_a_person_may_let_a_run_go_on_without(stage: Stage) -> None:
    """After the model was told, they decide on the very call."""
    world = World()
    await stage.play(phased(world), [call("put", item="1"), call("put", item="2"), "done"])
    handle = await stage.start()
    question = await stage.asked(handle)

    await handle.signal("approve")
    result = await stage.result(handle)

    assert "account a was not read" in question["why"]
    assert world.done == ["put 2"]
    assert result.checks is not None
    found = [(each.phase, each.way) for each in result.checks.checkpoints]
    assert found == [("gather", "retry"), ("gather", "skip"), ("book", "coherent")]


@pytest.mark.requirement("C5.2:phase-back", "C5.2:phase-checked")
async def test_an_answer_ends_the_last_phase_and_a_dry_run_asks_nobody(stage: Stage) -> None:
    """What would have been asked is listed; a phase that is gone back to is checked again."""
    world = World()
    await stage.play(
        phased(world),
        [calls(("lookup", {"key": "a"}), ("lookup", {"key": "b"})), call("put", item="1"),
         call("lookup", key="a"), call("put", item="2"), "done"],
    )  # fmt: skip

    result = await stage.run()

    assert result.checks is not None
    found = [(each.phase, each.way) for each in result.checks.checkpoints]
    assert found == [("gather", "coherent"), ("gather", "coherent"), ("book", "coherent")]

    await stage.stop()
    await stage.play(phased(world), ["done"])
    dry = await stage.run(dry_run=True)

    assert any("account a was not read" in each for each in dry.not_done)
    assert dry.answer == "done"
