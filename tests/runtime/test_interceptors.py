"""Around an activity: a write is not cut off, and what happened is counted."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import structlog
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from domain.acting import ActOutcome
from domain.thinking import TRANSCRIPT_MISS
from runtime.interceptors import FinishWrites, Observe
from runtime.metrics import Meters


@workflow.defn(name="CallOne", sandboxed=False)
class CallOne:
    @workflow.run
    async def run(self, name: str) -> dict[str, str]:
        return await workflow.execute_activity(
            name,
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


async def test_a_write_that_has_begun_outlives_the_graceful_time(
    client: Client, task_queue: str
) -> None:
    """A worker that stops waits for a write, which is recorded as done, not cut off in doubt."""
    begun, may_end = asyncio.Event(), asyncio.Event()

    @activity.defn(name="pay")
    async def pay() -> dict[str, str]:
        begun.set()
        await may_end.wait()
        return {"paid": "yes"}

    worker = Worker(
        client,
        task_queue=task_queue,
        workflows=[CallOne],
        activities=[pay],
        interceptors=[FinishWrites({"pay"})],
        graceful_shutdown_timeout=timedelta(milliseconds=10),
    )
    serving = asyncio.create_task(worker.run())
    handle = await client.start_workflow(CallOne.run, "pay", id=task_queue, task_queue=task_queue)
    await begun.wait()
    stopping = asyncio.create_task(worker.shutdown())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(stopping), 0.5)
    may_end.set()
    await stopping
    await serving

    async with Worker(client, task_queue=task_queue, workflows=[CallOne], activities=[pay]):
        assert await handle.result() == {"paid": "yes"}


async def test_outcomes_are_counted_by_what_they_are(client: Client, task_queue: str) -> None:
    """A tool's outcome, a failure's type and a transcript miss each have their own counter."""

    @activity.defn(name="lookup_price")
    async def lookup_price() -> ActOutcome:
        return ActOutcome(kind="error", text="error: no such thing")

    @activity.defn(name="breaks")
    async def breaks() -> None:
        raise ApplicationError("no", type="Broken")

    @activity.defn(name="misses")
    async def misses() -> None:
        raise ApplicationError("no", type=TRANSCRIPT_MISS, non_retryable=True)

    meters = Meters()
    async with Worker(
        client,
        task_queue=task_queue,
        workflows=[CallOne],
        activities=[lookup_price, breaks, misses],
        interceptors=[Observe(meters, {"lookup_price"})],
    ):
        for name in ("lookup_price", "breaks", "misses"):
            call = client.execute_workflow(
                CallOne.run, name, id=f"{task_queue}-{name}", task_queue=task_queue
            )
            if name == "lookup_price":
                await call
            else:
                with pytest.raises(WorkflowFailureError):
                    await call

    counted = meters.render().decode()
    assert 'holdfast_tool_calls_total{outcome="error",tool="lookup_price"} 1.0' in counted
    assert 'holdfast_activity_failures_total{activity="breaks",type="Broken"} 1.0' in counted
    assert "holdfast_transcript_misses_total 1.0" in counted
    assert 'activity="misses",type' not in counted


@dataclass
class _Thought:
    agent: str
    turn: int


@workflow.defn(name="ThinkThenLook", sandboxed=False)
class ThinkThenLook:
    @workflow.run
    async def run(self) -> dict[str, Any]:
        limit = timedelta(seconds=5)
        thought = _Thought(agent="bench", turn=7)
        await workflow.execute_activity("think", thought, start_to_close_timeout=limit)
        return await workflow.execute_activity("look", start_to_close_timeout=limit)


async def test_a_tool_logs_the_agent_and_turn_that_called_it(
    client: Client, task_queue: str
) -> None:
    """A tool's input names neither; both are known from the model call before it."""

    @activity.defn(name="think")
    async def think(thought: _Thought) -> None:
        pass

    @activity.defn(name="look")
    async def look() -> dict[str, Any]:
        return structlog.contextvars.get_contextvars()

    async with Worker(
        client,
        task_queue=task_queue,
        workflows=[ThinkThenLook],
        activities=[think, look],
        interceptors=[Observe(Meters(), {"look"})],
    ):
        bound = await client.execute_workflow(
            ThinkThenLook.run, id=task_queue, task_queue=task_queue
        )

    assert bound == {"run": task_queue, "agent": "bench", "turn": 7, "tool": "look"}
