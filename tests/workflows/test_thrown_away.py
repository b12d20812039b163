"""A run that a stopping worker throws away: the garbage collector closes it, wherever that is."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Generator
from datetime import timedelta

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from agents.toolkit import tool
from tests.fakes import calls
from tests.workflows.stage import Stage, agent
from tests.workflows.test_approvals import opened
from tests.workflows.world import World


@workflow.defn(name="SweepingWorkflow")
class SweepingWorkflow:
    """Collects garbage in the middle of its task, as any run may."""

    @workflow.run
    async def run(self) -> None:
        """Collect it."""
        gc.collect()


@pytest.fixture
def litter() -> Generator[None]:
    """Let garbage lie until it is collected on purpose."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def waits_for_an_answer(stage: Stage) -> None:
    """Leave a run at a question."""
    await opened(stage, World())


async def waits_for_tools(stage: Stage) -> None:
    """Leave a run in the middle of two parallel reads."""
    began = asyncio.Semaphore(0)

    @tool(attempts=1, source="ours")
    async def read(key: str) -> str:
        """Look a key up, for ever.

        Args:
            key: What to look up.
        """
        began.release()
        await asyncio.Event().wait()
        return key

    await stage.play(agent(tools=[read]), [calls(("read", {"key": "a"}), ("read", {"key": "b"}))])
    await stage.start()
    for _ in "ab":
        await began.acquire()


@pytest.mark.requirement("C0:wedge-thrown-away")
@pytest.mark.parametrize("leave", [waits_for_an_answer, waits_for_tools])
@pytest.mark.usefixtures("litter")
async def test_a_run_that_is_thrown_away_says_nothing_in_another(
    stage: Stage, leave: Callable[[Stage], Awaitable[None]]
) -> None:
    """A foreign command in a history is one that its replay does not make: it would wedge."""
    await leave(stage)
    await stage.stop()
    sweeper = Worker(
        stage.client,
        task_queue=f"{stage.queue}-sweeper",
        workflows=[SweepingWorkflow],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )

    async with sweeper:
        handle = await stage.client.start_workflow(
            "SweepingWorkflow",
            id=sweeper.task_queue,
            task_queue=sweeper.task_queue,
            task_timeout=timedelta(seconds=5),
        )
        await asyncio.wait_for(handle.result(), 20)

    kinds = [EventType.Name(event.event_type) async for event in handle.fetch_history_events()]
    assert [kind.removeprefix("EVENT_TYPE_") for kind in kinds] == [
        "WORKFLOW_EXECUTION_STARTED",
        "WORKFLOW_TASK_SCHEDULED",
        "WORKFLOW_TASK_STARTED",
        "WORKFLOW_TASK_COMPLETED",
        "WORKFLOW_EXECUTION_COMPLETED",
    ]
