"""What happens in a run, as a task's updates: until it ends, or waits for a person."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from a2a.types.a2a_pb2 import TaskArtifactUpdateEvent, TaskState, TaskStatusUpdateEvent
from temporalio.service import RPCError

from commands.a2a import tasks
from commands.doors import Door
from domain.door import Event

Update = TaskStatusUpdateEvent | TaskArtifactUpdateEvent
_END_S: Final = 10.0
_WAITS: Final = frozenset({"PENDING_APPROVAL", "STOPPED"})
_PROGRESS: Final = frozenset({"state", "turn", "tool", "step", "child", "decision"})


@dataclass(frozen=True)
class News:
    """A task's updates for one listener.

    Attributes:
        since: Older events are not told: the listener has the task as it was then.
        known: What the listener knows the run to wait for: the open question's id, or `stop`.
        stopping: Set when the service is asked to end; the updates end then.
    """

    door: Door
    run_id: str
    context: str
    since: datetime
    stopping: asyncio.Event
    known: str = ""

    async def updates(self) -> AsyncGenerator[Update]:
        """Yield updates; the last one is of a task that has ended, or that waits for a person."""
        happening = self._happening()
        try:
            async for event in happening:
                if event.type == "end":
                    async for last in self._end():
                        yield last
                    return
                told = self._told(event)
                if told is not None:
                    yield told
                    if told.status.state == TaskState.TASK_STATE_INPUT_REQUIRED:
                        return
        finally:
            await happening.aclose()

    def _told(self, event: Event) -> TaskStatusUpdateEvent | None:
        data = event.data
        if event.type == "question":
            if data.get("id") == self.known:
                return None
            return self._waits(tasks.waiting(str(data.get("title", ""))))
        if event.type == "stop":
            return None if self.known == "stop" else self._waits(tasks.stopped(_why(data)))
        if event.type not in _PROGRESS or event.at < self.since or data.get("state") in _WAITS:
            return None
        told = {"event": event.type, **_few(data)}
        working = TaskState.TASK_STATE_WORKING
        return tasks.status_event(self.run_id, self.context, working, _line(event), told)

    def _waits(self, text: str) -> TaskStatusUpdateEvent:
        state = TaskState.TASK_STATE_INPUT_REQUIRED
        return tasks.status_event(self.run_id, self.context, state, text)

    async def _end(self) -> AsyncGenerator[Update]:
        end = await self.door.result(self.run_id, _END_S)
        if end is None:
            return  # it goes on after all: it was reset, or continued
        answer = tasks.artifact_event(end, self.context)
        if answer is not None:
            yield answer
        state, text = tasks.end_state(end.outcome), tasks.reason(end)
        told = {"outcome": end.outcome}
        yield tasks.status_event(self.run_id, self.context, state, text, told)

    async def _happening(self) -> AsyncGenerator[Event]:
        """Yield the run's events until it ends, or the service is asked to."""
        events = self.door.events(self.run_id)
        stopping = asyncio.ensure_future(self.stopping.wait())
        coming: asyncio.Future[Event] | None = None
        try:
            while True:
                coming = asyncio.ensure_future(anext(events))
                await asyncio.wait({coming, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    return
                try:
                    event = coming.result()
                except StopAsyncIteration:
                    return
                yield event
        finally:
            stopping.cancel()
            if coming is not None:
                coming.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration, RPCError):
                    await coming
            await events.aclose()


def _why(stop: dict[str, Any]) -> str:
    return str(stop.get("reason", ""))


def _line(event: Event) -> str:
    """Return an event in a few words: `turn 2`, `tool lookup`, `state EXECUTING`."""
    names = ("state", "turn", "tool", "step", "verdict", "outcome")
    what = next((str(event.data[name]) for name in names if event.data.get(name)), "")
    return f"{event.type} {what}".strip()


def _few(data: dict[str, Any]) -> dict[str, Any]:
    """Return what is worth telling of an event; its numbers and names, not what was said."""
    names = ("state", "turn", "tool", "ok", "calls", "tokens", "cost_usd", "verdict", "outcome")
    return {name: data[name] for name in names if data.get(name) is not None}
