"""Model calls and tools on workers of their own: a message still crosses the history once."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from temporalio.worker import Worker

from activities.llm import LLMActivities
from activities.spend import Reserved
from activities.transcripts import Transcripts
from agents.toolkit import tool
from runtime.shelf import Shelf
from runtime.spend import SpendLedger
from tests.fakes import Asked, Step, answer, call
from tests.workflows.stage import Stage, activities_in, agent

TURNS = 6


@tool(source="ours")
async def look(place: str) -> str:
    """Look somewhere.

    Args:
        place: Where.
    """
    return f"nothing at {place}, " + "but a long description of it. " * 20


def _looks(asked: Asked) -> Step:
    turn = sum(message.role == "assistant" for message in asked.messages)
    return call("look", place=f"place {turn}") if turn < TURNS - 1 else answer(found=turn)


@asynccontextmanager
async def models(stage: Stage, shelf: Shelf | None) -> AsyncGenerator[None]:
    """Serve the model calls of shared routes from a worker that makes nothing else."""
    spend = SpendLedger(stage.database, Reserved)
    llm = LLMActivities({"openai": stage.provider}, Transcripts(), spend, shelf=shelf)
    worker = Worker(stage.client, task_queue="llm.openai", activities=[llm.think])
    async with worker:
        yield


@pytest.mark.requirement("C5.5:shared-transcripts")
async def test_a_worker_for_models_alone_is_sent_no_message_twice(stage: Stage) -> None:
    """It finds what the tools' workers made where all workers look: one attempt a turn."""
    await stage.play(agent(tools=[look], shared_route=True), _looks)

    async with models(stage, Shelf(stage.database)):
        handle = await stage.start()
        result = await stage.result(handle)

    made = activities_in(await handle.fetch_history())
    assert result.turns == TURNS
    # The first call says that the spec is unknown there; nothing after it is missed.
    assert made.count("llm.think") == TURNS + 1


@pytest.mark.requirement("C5.5:shared-transcripts")
async def test_without_the_shelf_the_run_sends_what_is_missing(stage: Stage) -> None:
    """A worker that cannot look there costs attempts, and the run ends all the same."""
    await stage.play(agent(tools=[look], shared_route=True), _looks)

    async with models(stage, None):
        handle = await stage.start()
        result = await stage.result(handle)

    made = activities_in(await handle.fetch_history())
    assert result.turns == TURNS
    assert made.count("llm.think") > TURNS + 1
