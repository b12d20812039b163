"""A standing approval at an agent's gate."""

from uuid import uuid4

import pytest

from runtime.standing import StandingApprovals
from tests.workflows.stage import Stage
from tests.workflows.triaging import pays_twice


@pytest.mark.requirement("C6:standing-gate", "C6:standing-once")
async def test_a_covered_call_runs_and_the_next_one_asks(stage: Stage) -> None:
    """One use: the first payment runs and says by whose word; the second is put to a person."""
    tenant = f"t-{uuid4().hex[:8]}"

    handle = await pays_twice(stage, tenant)
    came = await stage.result(handle)

    first, second = came.decisions
    assert (first.kind, first.verdict) == ("standing approval", "approve")
    assert first.by == f"standing approval pay-{tenant} of ann"
    assert first.arguments == {"item": "1"}
    assert (second.verdict, second.reason) == ("reject", "not this one")
    assert [write.arguments for write in came.writes] == [{"item": "1"}]
    assert (await StandingApprovals(stage.database).get(f"pay-{tenant}")).taken == 1


@pytest.mark.requirement("C6:standing-once")
async def test_a_restart_takes_no_second_use(stage: Stage) -> None:
    """The worker forgets everything while the second call waits: replayed, one use is taken."""
    tenant = f"t-{uuid4().hex[:8]}"

    handle = await pays_twice(stage, tenant, restart=True)
    came = await stage.result(handle)

    assert [write.arguments for write in came.writes] == [{"item": "1"}]

    assert (await StandingApprovals(stage.database).get(f"pay-{tenant}")).taken == 1
