"""What is looked at while batches are measured: memory, histories, calls made again."""

import asyncio
from typing import Any, Final

import psutil
from temporalio.api.enums.v1 import EventType

from bench.drill.rig import Rig
from domain.batch import Document
from domain.run import AgentRequest

_LOOK_S: Final = 0.2


class Peak:
    """The worker's memory while it is watched, in bytes."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.first = self.most = self._now()

    def _now(self) -> int:
        return int(psutil.Process(self._rig.worker.pid).memory_info().rss)

    async def watch(self) -> None:
        """Look, again and again, until cancelled."""
        while True:
            self.most = max(self.most, self._now())
            await asyncio.sleep(_LOOK_S)


async def histories(rig: Rig, run_id: str) -> tuple[int, int]:
    """Return the size of the largest history below a batch, its own legs included, and how many."""
    client, sizes = rig.session.client, list[int]()
    # The list lags behind the runs.
    await asyncio.sleep(2)
    async for found in client.list_workflows(f"RootWorkflowId = '{run_id}'"):
        sizes.append(found.raw_info.history_size_bytes)
    return max(sizes, default=0), len(sizes)


async def bought_again(rig: Rig, documents: list[Document]) -> int:
    """Return how many model calls were made although their answer was in a history already.

    A call that was under way at the kill has to be made again: its answer reached nobody.
    """
    again = 0
    for document in documents:
        if not document.run_id:
            continue
        lineage, recorded = await _recorded(rig, document.run_id)
        calls: list[dict[str, Any]] = (await rig.stats(lineage))["list"]
        again += len(
            [
                call
                for call in calls
                if call["repeated"]
                and call["turn"] <= len(recorded)
                and call["at"] > recorded[call["turn"] - 1]
            ]
        )
    return again


async def _recorded(rig: Rig, run_id: str) -> tuple[str, list[float]]:
    """Return a run's lineage, and when the answer of each of its turns was recorded."""
    history = await rig.handle(run_id).fetch_history()
    scheduled: dict[int, str] = {}
    at: list[float] = []
    for event in history.events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            name = event.activity_task_scheduled_event_attributes.activity_type.name
            scheduled[event.event_id] = name
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            done = event.activity_task_completed_event_attributes
            if scheduled.get(done.scheduled_event_id) == "llm.think":
                at.append(event.event_time.seconds + event.event_time.nanos / 1e9)
    started = history.events[0].workflow_execution_started_event_attributes
    (request,) = await rig.session.client.data_converter.decode(
        started.input.payloads, [AgentRequest]
    )
    return request.lineage, at
