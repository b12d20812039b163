"""What a run wants of people is counted, and can be seen from outside while it waits."""

from datetime import UTC, datetime, timedelta

import pytest

from agents.toolkit import ToolUnavailableError
from domain.people import People
from tests.fakes import call
from tests.workflows.stage import Stage, agent, eventually
from tests.workflows.team import by_agent, team
from tests.workflows.test_approvals import opened
from tests.workflows.test_handing_on import LEAVE
from tests.workflows.world import World, reading, writing

AWAY = ToolUnavailableError("it is being moved", retry_after=timedelta(milliseconds=10))


@pytest.mark.requirement("C6.2:people")
async def test_a_question_that_is_asked_again_is_two_and_one_decision(stage: Stage) -> None:
    """The decision says when its own question was put; the run says how long it waited for all."""
    silence = {"timeout": timedelta(seconds=1), "silence": "escalate"}
    handle, first = await opened(stage, World(), **silence)
    await stage.until(handle, lambda s: s.question and s.question["id"] != first["id"])

    await handle.signal("approve")
    result = await stage.result(handle)

    assert result.people is not None
    assert (result.people.asked, result.people.again) == ({"call": 2}, 1)
    assert result.people.waited_s >= 1
    (decision,) = result.decisions
    assert decision.asked_at is not None
    assert timedelta() <= decision.at - decision.asked_at < timedelta(seconds=1)


@pytest.mark.requirement("C6.2:people")
async def test_a_stop_is_counted_and_a_run_that_wanted_nobody_says_nothing(stage: Stage) -> None:
    """So that the results of before are as they were."""
    lookup = reading({"a": AWAY}, fallback="stop", attempts=1)
    await stage.play(agent(tools=[lookup]), [call("lookup", key="a"), "done", "done"])
    handle = await stage.start()
    await stage.stopped(handle)

    await handle.signal("skip")
    stopped = await stage.result(handle)
    alone = await stage.run()

    assert stopped.people is not None
    assert (stopped.people.asked, stopped.people.stopped) == ({}, 1)
    assert alone.people is None


@pytest.mark.requirement("C6.2:people")
async def test_what_was_asked_before_a_hand_off_is_counted_with_the_rest(stage: Stage) -> None:
    """The run continues as new, and its count with it."""
    pay = writing(World(), "pay", effect="irreversible", idempotent=True)
    script = by_agent(
        caller=[call("pay", item="1"), call("hand_to_helper", item="rest")], helper=["done"]
    )
    await stage.play(team([LEAVE, pay]), script)
    handle = await stage.start()
    await stage.asked(handle)

    await handle.signal("approve")
    result = await stage.result(handle)

    assert result.agent == "helper"
    assert result.people is not None
    assert result.people.asked == {"call": 1}


@pytest.mark.requirement("C6.2:since")
async def test_runs_that_wait_are_listed_by_how_long_they_have(stage: Stage) -> None:
    """One that waits since now is not among those that have waited for an hour."""
    handle, _ = await opened(stage, World())
    mine = f"WorkflowId = '{handle.id}' AND AgentState = 'PENDING_APPROVAL'"
    now = datetime.now(UTC)

    async def waiting(since: datetime) -> int:
        query = f"{mine} AND WaitingSince <= '{since.isoformat()}'"
        return (await stage.client.count_workflows(query)).count

    assert await eventually(lambda: waiting(now + timedelta(minutes=1))) == 1
    assert await waiting(now - timedelta(hours=1)) == 0
    await handle.signal("approve")
    await stage.result(handle)


@pytest.mark.requirement("C6.2:people")
def test_people_that_nobody_wanted_are_empty() -> None:
    """A wait alone is not: a run below has asked."""
    assert People().empty
    assert not People(waited_s=1).empty
    assert not People().asking("call").empty
