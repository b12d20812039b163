"""What keeps traces up to date: a task beside the worker, which reads what the runs have recorded.

A run is looked at shortly after an activity of it has ended here. What a worker that was killed has
left is found by the others, or by the next one: closed runs by the server's list, open ones by what
the database says was not sent to its end.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError

from runtime.database import Database
from runtime.tracing.content import Redact
from runtime.tracing.cursors import Cursors, Sent
from runtime.tracing.family import Family, Standing, first_event, origin_of
from runtime.tracing.otlp import Sender
from runtime.tracing.payloads import Payloader
from runtime.tracing.reading import Histories
from runtime.tracing.sheet import Noted
from runtime.tracing.span import Told
from runtime.tracing.walker import Walker

_TICK_S: Final = 0.25
# A step is there when its activity's end has been recorded, and what follows at once as well.
_SOON_S: Final = 0.5
# The last activity of a run, or before a wait, is followed by events that no activity tells of.
_ONCE_MORE_S: Final = 4.0
_TAKEN_S: Final = 2.0  # another worker sends of it
_MOST_AT_ONCE: Final = 50
_MOST_WALKERS: Final = 1_000
_SWEEP_S: Final = 30.0
_SETTLES: Final = timedelta(minutes=2)  # the server's list of closed runs is that late at most
_KEPT: Final = timedelta(days=7)
_LONGEST_BACKOFF_S: Final = 30.0
_LAST_S: Final = 5.0

_log = structlog.stdlib.get_logger(__name__)


@dataclass
class _Due:
    """An execution that is to be looked at, and how often after that."""

    workflow_id: str
    at: float
    more: int


class Follower:
    """Reads histories, and sends the spans that they stand for, each once."""

    def __init__(
        self,
        client: Client,
        database: Database,
        sender: Sender,
        redact: Redact,
        *,
        task_queue: str,
        content: bool = False,
        noted: Noted | None = None,
    ) -> None:
        self._client = client
        self._cursors = Cursors(database)
        self._sender = sender
        self._redact = redact
        self._task_queue = task_queue
        self._content = content
        self._noted = noted
        self._payloads = Payloader(client.data_converter)
        self._histories = Histories(client)
        self._family = Family(first_event(client), self._payloads, origin_of(client))
        self._due: dict[str, _Due] = {}
        self._walkers: OrderedDict[str, Walker] = OrderedDict()
        self._broken: set[str] = set()
        self._failures = 0
        self._task: asyncio.Task[None] | None = None
        self._taking_up: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def standing(self, workflow_id: str, run_id: str) -> Standing | None:
        """Return where an execution stands; None where its history is gone."""
        return await self._family.standing(workflow_id, run_id)

    def touched(self, workflow_id: str, run_id: str) -> None:
        """Note that something has been recorded of an execution, or will be in a moment."""
        due = self._due.get(run_id)
        at = time.monotonic() + _SOON_S
        if due is None:
            self._due[run_id] = _Due(workflow_id, at, 1)
        else:
            due.at, due.more = min(due.at, at), 1

    # --- its life

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())
        # Beside it: there may be thousands that wait for people.
        self._taking_up = asyncio.create_task(_quietly(self._take_up()))

    async def close(self) -> None:
        """Send what is there by now, within a few seconds, and end; the rest is another's."""
        self._stopping.set()
        if self._taking_up is not None:
            self._taking_up.cancel()
        with suppress(TimeoutError, RPCError, SQLAlchemyError, OSError):
            async with asyncio.timeout(_LAST_S):
                if self._task is not None:  # not cancelled: what is being sent would be sent again
                    await self._task
                await self._look(self._due.copy())

    async def _run(self) -> None:
        swept = 0.0
        while not await self._stops_within(_TICK_S):
            if time.monotonic() > swept + _SWEEP_S:
                first, swept = not swept, time.monotonic()
                await _quietly(self._sweep(first=first))
            await _quietly(self._look(self._now_due()))
            if self._failures:
                await self._stops_within(min(2.0**self._failures, _LONGEST_BACKOFF_S))

    async def _stops_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self._stopping.is_set()

    # --- looking

    def _now_due(self) -> dict[str, _Due]:
        now = time.monotonic()
        due = [run_id for run_id, due in self._due.items() if due.at <= now]
        # Taken out: what is touched while it is looked at is due again.
        return {run_id: self._due.pop(run_id) for run_id in due[:_MOST_AT_ONCE]}

    async def _look(self, due: Mapping[str, _Due]) -> None:
        """Read what is new of executions, send it, and note that it was sent."""
        if not due:
            return
        try:
            claimed = await self._cursors.claim(
                {key: each.workflow_id for key, each in due.items()}
            )
        except BaseException:
            self._later(due, _TAKEN_S)
            raise
        self._later({key: due[key] for key in due.keys() - claimed.keys()}, _TAKEN_S)
        mine = {key: due[key] for key in claimed}
        try:
            fresh = [
                told
                for run_id, sent in claimed.items()
                for told in await self._fresh(due[run_id].workflow_id, run_id, sent)
            ]
            taken = not fresh or await self._sender.send(fresh)
        except BaseException:
            self._later(mine, _TAKEN_S)
            await self._cursors.release(claimed)
            raise
        if taken:
            await self._sent(claimed, mine)
        else:
            self._later(mine, 0)
            await self._cursors.release(claimed)
        self._note_health(taken=taken)

    def _later(self, due: Mapping[str, _Due], seconds: float) -> None:
        """Look at executions again after a while, if nothing brings them up before."""
        for run_id, each in due.items():
            each.at = time.monotonic() + seconds
            self._due.setdefault(run_id, each)

    async def _fresh(self, workflow_id: str, run_id: str, sent: Sent) -> list[Told]:
        """Return the spans of an execution that have not been sent."""
        if sent.closed or run_id in self._broken:
            return []
        try:
            walker = self._walkers.get(run_id) or await self._walker(workflow_id, run_id)
            if walker is None:
                return []
            events = await self._histories.since(workflow_id, run_id, walker.last)
            await walker.take(events or [])
        except (RPCError, SQLAlchemyError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - one run's trace must not cost all others theirs
            self._broken.add(run_id)
            self._walkers.pop(run_id, None)
            _log.exception("a run could not be traced", run=workflow_id, error=type(error).__name__)
            return []
        return [told for told in walker.told if told.by_event > sent.event]

    async def _walker(self, workflow_id: str, run_id: str) -> Walker | None:
        standing = await self._family.standing(workflow_id, run_id)
        if standing is None:
            return None
        walker = self._walkers[run_id] = Walker(
            standing, self._payloads, self._redact, content=self._content, noted=self._noted
        )
        if len(self._walkers) > _MOST_WALKERS:
            self._walkers.popitem(last=False)
        return walker

    async def _sent(self, claimed: Mapping[str, Sent], due: Mapping[str, _Due]) -> None:
        """Note that what was read of executions has been sent."""
        # What cannot be read here, for want of a key for example, may be elsewhere or later.
        unread = self._broken & claimed.keys()
        await self._cursors.release(unread)
        walkers = {run_id: self._walkers.get(run_id) for run_id in claimed.keys() - unread}
        await self._cursors.advance(
            {
                # Without a walker it is gone, or was closed before.
                run_id: Sent(walker.last, walker.closed)
                if walker
                else Sent(claimed[run_id].event, closed=True)
                for run_id, walker in walkers.items()
            }
        )
        for run_id, walker in walkers.items():
            if walker is not None:
                walker.told.clear()
                self._next(run_id, walker, due[run_id])

    def _next(self, run_id: str, walker: Walker, due: _Due) -> None:
        """Say when an execution is to be looked at again, if it is."""
        if walker.closed:
            self._walkers.pop(run_id, None)
            self._due.pop(run_id, None)
            if walker.onward:
                self.touched(due.workflow_id, walker.onward)
        elif due.more:
            self._later({run_id: replace(due, more=due.more - 1)}, _ONCE_MORE_S)

    def _note_health(self, *, taken: bool) -> None:
        if taken and self._failures:
            _log.info("traces are taken again")
        elif not taken and not self._failures:
            _log.warning("the collector does not take traces; they wait in the histories")
        self._failures = 0 if taken else self._failures + 1

    # --- what others have left

    async def _take_up(self) -> None:
        """Look at what was open when it was last sent, and has more by now."""
        for workflow_id, run_id, event in await self._cursors.unfinished():
            length = await self._histories.length(workflow_id, run_id)
            if length != event:
                self.touched(workflow_id, run_id)

    async def _sweep(self, *, first: bool) -> None:
        """Look for runs that have closed and were not sent to their end, one worker for all."""
        now = datetime.now(UTC)
        since = await self._cursors.mark()
        if not first and now - since < timedelta(seconds=_SWEEP_S):
            return  # another one has looked
        query = (
            f"CloseTime >= '{since - _SETTLES:%Y-%m-%dT%H:%M:%SZ}' "
            f"AND TaskQueue = '{self._task_queue}'"
        )
        closed = {found.run_id: found.id async for found in self._client.list_workflows(query)}
        unsent = await self._cursors.unsent(list(closed)) - self._broken
        for run_id in unsent:
            self.touched(closed[run_id], run_id)
        if not unsent and not self._failures:
            await self._cursors.move_mark(now)
        await self._cursors.sweep(now - _KEPT)


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except (RPCError, SQLAlchemyError, OSError, TimeoutError) as error:
        _log.warning("traces wait for the server or the database", reason=str(error)[:200])
        await asyncio.sleep(_TAKEN_S)
