"""A function of an author's looks at what cannot be undone; no model takes part."""

from dataclasses import replace
from typing import Any

import pytest

from agents.toolkit import Proposal, Tool
from domain.approval import Decision
from domain.spec import ApprovalPolicy
from tests.fakes import call
from tests.workflows.stage import Stage, agent
from tests.workflows.world import PATIENT, World, reading, writing


def looked_up(proposal: Proposal) -> str:
    """Refuse what was not looked up in this run."""
    known = [made.arguments["key"] for made in proposal.results_of("lookup")]
    item = proposal.arguments["item"]
    return "" if item in known else f"{item} was not looked up in this run"


def paying(world: World, check: Any = looked_up, **declared: Any) -> Tool:
    """Return an irreversible tool with a second check."""
    return writing(world, "pay", effect="irreversible", second_check=check, **declared)


@pytest.mark.requirement("C5.2:second-check", "C5.2:second-effect", "C5.2:account")
async def test_a_call_is_refused_before_a_person_is_asked(stage: Stage) -> None:
    """The model is told why; the call that passes is asked about, and checked at its effect."""
    world = World()
    script = [call("pay", item="a"), call("lookup", key="a"), call("pay", item="a"), "done"]
    tools = [reading(source="ours"), paying(world)]
    await stage.play(agent(tools=tools, approvals=PATIENT), script)
    handle = await stage.start()
    question = await stage.asked(handle)

    await handle.signal("approve")
    result = await stage.result(handle)

    assert '"by": "second_check"' in stage.provider.asked[1].results[-1]
    assert question["arguments"] == {"item": "a"}
    assert world.done == ["pay a"]
    assert result.checks is not None
    assert [(each.when, each.refused) for each in result.checks.second] == [
        ("proposed", "a was not looked up in this run"),
        ("effect", ""),
    ]


@pytest.mark.requirement("C5.2:second-modified")
async def test_what_a_person_changed_is_checked_too(stage: Stage) -> None:
    """They are told why it cannot run, and the question stays open."""
    world = World()
    tools = [reading(source="ours"), paying(world)]
    script = [call("lookup", key="a"), call("pay", item="a"), "done"]
    await stage.play(agent(tools=tools, approvals=PATIENT), script)
    handle = await stage.start()
    await stage.asked(handle)

    await handle.signal("modify", {"arguments": {"item": "b"}})
    status = await stage.until(handle, lambda status: status.ignored)
    await handle.signal("approve")
    await stage.result(handle)

    assert "b was not looked up" in status.ignored[0]
    assert world.done == ["pay a"]


@pytest.mark.requirement("C5.2:second-effect")
async def test_what_changed_while_a_person_was_asked_is_seen_at_the_effect(stage: Stage) -> None:
    """The approval stands, and the call does not run all the same."""
    world, open_ = World(), [True]

    def still_open(proposal: Proposal) -> str:
        return "" if open_[0] else "the account was closed"

    tools = [paying(world, still_open)]
    await stage.play(agent(tools=tools, approvals=PATIENT), [call("pay", item="a"), "done"])
    handle = await stage.start()
    await stage.asked(handle)

    open_[0] = False
    decision = await stage.decide(handle, verdict="approve")
    result = await stage.result(handle)

    assert isinstance(decision, Decision)
    assert world.done == []
    assert "the account was closed" in stage.provider.asked[1].results[-1]
    assert [each.by for each in result.rejections] == ["second_check"]


def broken(proposal: Proposal) -> str:
    """Break."""
    raise LookupError("no database")


@pytest.mark.requirement("C5.2:second-broken")
@pytest.mark.parametrize("how", ["broken", "gone"])
async def test_a_check_that_cannot_be_made_refuses(stage: Stage, how: str) -> None:
    """It is the last look: what it cannot say is no."""
    world = World()
    tool = paying(world, broken)
    if how == "gone":
        tool = replace(tool, second_check=None)
    free = ApprovalPolicy(effects=())
    await stage.play(agent(tools=[tool], approvals=free), [call("pay", item="a"), "done"])

    result = await stage.run()

    told = stage.provider.asked[1].results[-1]
    assert ("no database" if how == "broken" else "is not deployed") in told
    assert (world.done, result.answer) == ([], "done")
