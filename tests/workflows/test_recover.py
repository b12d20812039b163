"""A database that is older than the histories is brought up to them."""

from collections.abc import AsyncGenerator
from decimal import Decimal
from pathlib import Path

import pytest

from commands.recover import lacking, summaries
from commands.session import Session
from domain.budget import Limits
from domain.run import AgentResult
from runtime.database import Database
from runtime.runs import Runs
from runtime.settings import Settings
from tests.fakes import call
from tests.workflows.stage import Stage, agent, eventually
from tests.workflows.world import PATIENT, World, writing

# Escaped twice on its way, it is above what a history holds itself.
LARGE = '"' * 135_000


@pytest.fixture
async def older(tmp_path: Path) -> AsyncGenerator[Database]:
    """A database from before everything."""
    database = Database(f"sqlite:///{tmp_path / 'older.db'}")
    await database.migrate()
    yield database
    await database.close()


async def _listed(stage: Stage, query: str) -> None:
    """Wait until the server lists what it knows."""

    async def found() -> bool:
        return (await stage.client.count_workflows(query)).count > 0

    await eventually(found)


@pytest.mark.requirement("C6.8:recover")
async def test_a_closed_run_gets_its_summary_again(
    stage: Stage, older: Database, settings: Settings
) -> None:
    """It is what the run itself left, and a second time there is nothing to do."""
    await stage.play(agent(), ["the answer"])
    result = await stage.run()
    session, query = (
        Session(settings, older, stage.client),
        f"WorkflowId = '{result.run_id}' AND CloseTime > '2020-01-01T00:00:00Z'",
    )
    await _listed(stage, f"{query} AND ExecutionStatus = 'Completed'")

    again = [run_id async for run_id in summaries(session, query)]

    assert again == [result.run_id]
    kept = await Runs(older).get(result.run_id)
    first = await Runs(stage.database).get(result.run_id)
    assert kept is not None
    assert first is not None
    assert AgentResult.model_validate_json(kept.result or "") == result
    assert (kept.agent, kept.tenant, kept.outcome) == (first.agent, first.tenant, first.outcome)
    assert not [run_id async for run_id in summaries(session, query)]


@pytest.mark.requirement("C6.8:recover")
async def test_a_run_that_refers_to_what_is_not_there_is_named(
    stage: Stage, older: Database, settings: Settings
) -> None:
    """With its artifacts; the database that has them names nobody."""
    room = Limits(tokens=10**9, cost_usd=Decimal(1_000))
    asks = agent(
        limits=room, tools=[writing(World(), effect="irreversible")], approvals=PATIENT, window=None
    )
    await stage.play(asks, [call("put", item="1"), "done"])
    handle = await stage.start(LARGE)
    await stage.asked(handle)
    query = f"WorkflowId = '{handle.id}'"
    await _listed(stage, query)

    lacks = [run async for run in lacking(Session(settings, older, stage.client), query)]
    has = [run async for run in lacking(Session(settings, stage.database, stage.client), query)]

    assert [run.run_id for run in lacks] == [handle.id]
    assert lacks[0].artifacts
    assert not has
    await handle.signal("approve")
    await handle.result()
