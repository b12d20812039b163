"""Calls on queues that tenants share carry what the server gives turns by."""

from typing import Any

import pytest
from temporalio import activity
from temporalio.api.common.v1 import Priority
from temporalio.api.enums.v1 import EventType
from temporalio.worker import Worker

from activities.runs import weighed
from domain.acting import ActOutcome, ActRequest
from domain.fairness import Turns
from tests.fakes import Asked, Say, call, calls
from tests.workflows.stage import Handle, Stage, agent, eventually
from tests.workflows.world import reading


async def scheduled(handle: Handle, name: str) -> Any:
    """Return the first scheduled activity of this name, as the history has it."""

    async def found() -> Any:
        for event in (await handle.fetch_history()).events:
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                attributes = event.activity_task_scheduled_event_attributes
                if attributes.activity_type.name == name:
                    return attributes
        return None

    return await eventually(found)


@pytest.mark.requirement("C5.5:turns-key")
async def test_a_model_call_on_a_shared_queue_carries_its_tenant(stage: Stage) -> None:
    """The fairness key is the tenant, the priority the agent's; no worker of the run takes it."""
    await stage.play(agent(shared_route=True, priority=2), [])
    handle = await stage.start(tenant="acme")

    asked = await scheduled(handle, "llm.think")
    await handle.terminate()

    assert asked.task_queue.name == "llm.openai"
    assert asked.priority == Priority(priority_key=2, fairness_key="acme")


@pytest.mark.requirement("C5.5:turns-key")
async def test_a_limited_tool_carries_its_tenant_and_the_runs_own_queue_nothing(
    stage: Stage,
) -> None:
    """The tool's queue is shared, the run's own is not."""
    name = f"look_{stage.queue[-8:]}"
    tools = [reading(name=name, rate_per_second=5)]
    await stage.play(agent(tools=tools), [call(name, key="a")])
    handle = await stage.start(tenant="t" * 100)

    own = await scheduled(handle, "llm.think")
    limited = await scheduled(handle, name)
    await handle.terminate()

    assert own.priority == Priority()
    assert limited.task_queue.name == f"tool.{name}"
    assert 0 < len(limited.priority.fairness_key) <= 64
    assert limited.priority.priority_key == 0


@pytest.mark.requirement("C5.5:turns-taken")
async def test_a_small_tenant_does_not_wait_for_all_of_a_large_one(stage: Stage) -> None:
    """Forty calls wait when three of another come: they are served in turn, not behind them."""
    name, order = f"look_{stage.queue[-8:]}", list[str]()

    @activity.defn(name=name)
    async def look(request: ActRequest) -> ActOutcome:
        order.append(request.tenant)
        return ActOutcome(kind="ok", text="seen")

    def script(asked: Asked) -> Say:
        many = 3 if asked.said == "few" else 40
        wanted = [(name, {"key": str(number)}) for number in range(many)]
        return Say("done") if asked.results else calls(*wanted)

    await stage.play(agent(tools=[reading(name=name, rate_per_second=1_000)]), script)
    handles = [await stage.start("many", tenant="large")]
    await scheduled(handles[0], name)
    handles.append(await stage.start("few", tenant="small"))
    await scheduled(handles[1], name)
    async with Worker(
        stage.client, task_queue=f"tool.{name}", activities=[look], max_concurrent_activities=1
    ):
        for handle in handles:
            await stage.result(handle)

    assert len(order) == 43
    assert max(at for at, tenant in enumerate(order) if tenant == "small") < 12


@pytest.mark.requirement("C5.5:turns-weight")
def test_a_tenant_gets_turns_by_its_weight() -> None:
    """What the setting names is in the spec that the run keeps; others have one part."""
    shares, alone = agent(shared_route=True).spec(), agent().spec()

    assert weighed(shares, 3).turns == Turns(weight=3)
    assert weighed(shares, None).turns == Turns()
    assert weighed(alone, 3).turns is None
