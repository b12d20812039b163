"""An agent that demands a second person gets one, whichever way an answer comes."""

import pytest
from temporalio.client import WorkflowUpdateFailedError

from agents.toolkit import Agent
from domain.spec import ApprovalPolicy
from tests.fakes import call
from tests.workflows.stage import Stage, agent
from tests.workflows.world import World, writing


def payer(world: World) -> Agent:
    """Return an agent whose one tool takes a second person."""
    tool = writing(world, "pay", effect="irreversible", idempotent=True)
    return agent("payer", tools=[tool], approvals=ApprovalPolicy(four_eyes=True))


@pytest.mark.requirement("C6.7:four-eyes-policy")
async def test_an_agent_can_demand_a_second_person(stage: Stage) -> None:
    """Signals and updates of nobody and of the requester change nothing and are shown."""
    world = World()
    await stage.play(payer(world), [call("pay", item="10"), "done"])
    handle = await stage.start(by="ada")
    await stage.asked(handle)

    for by in ({}, {"by": " "}, {"by": "Ada "}):
        await handle.signal("approve", by)
        with pytest.raises(WorkflowUpdateFailedError):
            await stage.decide(handle, verdict="approve", **by)
    status = await stage.status(handle)
    before = list(world.done)
    decision = await stage.decide(handle, verdict="approve", by="bob")
    result = await stage.result(handle)

    assert (status.question is not None, before) == (True, [])
    assert (decision.by, world.done) == ("bob", ["pay 10"])
    assert len(result.ignored) == 3
    assert "asked for this run" in result.ignored[2]
