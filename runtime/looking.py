"""Looking at the whole fleet, for the metrics page: runs, queues, letters, halts.

Three parts ask three things (database, list of runs, queues), so that one that does not answer
leaves the others; when each last did is a number of its own. Several scrapes in a row look once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Column, ColumnElement, Connection, func, select
from sqlalchemy.exc import SQLAlchemyError
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from runtime.database import Database
from runtime.fleet import Fleet, Labels
from runtime.numbers import Numbers
from runtime.serving import Service
from runtime.tables import DEAD_LETTERS
from runtime.tables_halts import HALTS

AGES: Final = {
    "0": timedelta(),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
}
"""How long a question has waited at least: label to time."""

_LETTERS: Final = ("open", "requeued", "dropped")
_SCOPES: Final = ("run", "agent", "tenant", "all")
_KINDS: Final = {
    "workflow": TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    "activity": TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
}
_PATIENCE_S: Final = 1.5
_AGAIN_S: Final = 5.0
_OPEN: Final = "ExecutionStatus = 'Running'"
_WAITING: Final = f"{_OPEN} AND AgentState = 'PENDING_APPROVAL'"


class Looking:
    """Brings the fleet's numbers up to date."""

    def __init__(
        self, fleet: Fleet, database: Database, client: Client, queues: Sequence[str], own: str
    ) -> None:
        self._fleet = fleet
        self._database = database
        self._numbers = Numbers(database)
        self._client = client
        self._queues = sorted(queues)
        self._own = own
        self._next = 0.0
        self._when: dict[Labels, float] = {}

    async def look(self) -> None:
        """Look at everything, at most every five seconds."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _AGAIN_S
        await asyncio.gather(
            self._part("database", self._kept),
            self._part("runs", self._runs),
            self._part("queues", self._polled),
        )
        self._fleet.stands("holdfast_fleet_looked_timestamp_seconds", self._when)

    async def _part(self, name: str, look: Callable[[], Awaitable[None]]) -> None:
        with suppress(SQLAlchemyError, RPCError, TimeoutError, OSError):
            async with asyncio.timeout(_PATIENCE_S):
                await look()
            self._when[(name,)] = time.time()

    async def _kept(self) -> None:
        self._fleet.counted(await self._numbers.read())
        letters, halts = await self._database.run(_standing)
        self._fleet.stands("holdfast_fleet_dead_letters", letters)
        self._fleet.stands("holdfast_fleet_halts", halts)

    async def _runs(self) -> None:
        now = datetime.now(UTC)
        aged = [
            f"{_WAITING} AND WaitingSince <= '{(now - age).isoformat()}'" if age else _WAITING
            for age in AGES.values()
        ]
        stopped = f"{_OPEN} AND AgentState = 'STOPPED'"
        everything, still, *waiting = await asyncio.gather(
            *map(self._count, (_OPEN, stopped, *aged))
        )
        working = max(0, everything - still - waiting[0])
        states = {"working": working, "stopped": still, "waiting": waiting[0]}
        self._fleet.stands(
            "holdfast_fleet_runs_open", {(state,): count for state, count in states.items()}
        )
        self._fleet.stands(
            "holdfast_fleet_approvals_waiting",
            {(age,): count for age, count in zip(AGES, waiting, strict=True)},
        )

    async def _count(self, query: str) -> float:
        return (await self._client.count_workflows(query)).count

    async def _polled(self) -> None:
        """Ask the server of every queue that this code can serve, whoever serves it."""
        pollers: dict[Labels, float] = {}
        backlog: dict[Labels, float] = {}

        async def ask(queue: str, kind: str) -> None:
            answer = await self._client.workflow_service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=self._client.namespace,
                    task_queue=TaskQueue(name=queue),
                    task_queue_type=_KINDS[kind],
                    report_stats=True,
                )
            )
            pollers[queue, kind] = len(answer.pollers)
            backlog[queue, kind] = answer.stats.approximate_backlog_count

        asked = [(queue, "activity") for queue in self._queues]
        await asyncio.gather(*(ask(*each) for each in [(self._own, "workflow"), *asked]))
        self._fleet.stands("holdfast_fleet_queue_pollers", pollers)
        self._fleet.stands("holdfast_fleet_queue_backlog", backlog)


def _standing(connection: Connection) -> tuple[dict[Labels, float], dict[Labels, float]]:
    """Return the dead letters by state, and the halts that stand by scope; all are named."""
    letters = _counts(connection, DEAD_LETTERS.c.state, _LETTERS)
    standing = HALTS.c.lifted_at.is_(None)
    return letters, _counts(connection, HALTS.c.scope, _SCOPES, standing)


def _counts(
    connection: Connection,
    column: Column[str],
    names: Sequence[str],
    where: ColumnElement[bool] | None = None,
) -> dict[Labels, float]:
    query = select(column, func.count()).group_by(column)
    if where is not None:
        query = query.where(where)
    found = {str(name): float(count) for name, count in connection.execute(query).all()}
    return {(name,): found.get(name, 0.0) for name in names}


def looked_at(service: Service, database: Database, client: Client, own: str) -> Service:
    """Return the service with a page that shows the whole fleet.

    Args:
        service: What the worker serves.
        database: The fleet's.
        client: Of the fleet's namespace.
        own: The queue that workflows are on.
    """
    looking = Looking(service.meters.fleet, database, client, service.known, own)
    usual = service.refresh

    async def refresh() -> None:
        await looking.look()
        if usual is not None:
            await usual()

    return replace(service, refresh=refresh)
