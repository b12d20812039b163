"""All runs under way at one moment, what wants a person first; by a bounded number of questions.

However many runs there are, the server is asked for two lists and three counts, the database for
four short ones, and only the runs that will be shown are asked for their turns and their spend.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from temporalio.service import RPCError

from commands import reading
from commands.reading import Listed
from commands.session import Session
from domain.breaker import Breaker, BreakerState
from domain.halts import Concerned, Halt, keys
from domain.pause import Pause
from domain.run import Status
from runtime.breakers import Breakers
from runtime.dead_letters import DeadLetters
from runtime.halts import Halts
from runtime.pauses import Pauses

Wants = Literal["approval", "stopped", "halted", ""]
_ORDER: Final[tuple[Wants, ...]] = ("approval", "stopped", "halted", "")
_MOST: Final = 1_000
"""Runs of each list that are looked at; of more the oldest waiting ones may be missing."""
_AT_ONCE: Final = 8
_PATIENCE_S: Final = 3.0
_OPEN: Final = f"{reading.OURS} AND ExecutionStatus = 'Running'"
_WAITING: Final = "(AwaitingApproval = true OR AgentState IN ('PENDING_APPROVAL', 'STOPPED'))"


@dataclass(frozen=True)
class Row:
    """A run under way.

    Attributes:
        wants: What it wants of a person; empty: nothing.
        said: What it says of itself; None where it was not asked, or nobody answers for it.
        below: How many runs below it are under way and not rows themselves.
    """

    run: Listed
    wants: Wants
    said: Status | None = None
    below: int = 0

    @property
    def since(self) -> datetime | None:
        """Since when it has waited for a person, where it says so."""
        if self.said is None or not self.wants:
            return None
        if (asked := reading.question(self.said)) is not None:
            return asked.asked_at
        return self.said.stop.at if self.said.stop else None

    @property
    def asks(self) -> str:
        """What it waits for, in words."""
        if self.said is None or not self.wants:
            return ""
        if (asked := reading.question(self.said)) is not None:
            return asked.title
        stop = self.said.stop
        return f"{stop.step}: {stop.reason}" if stop else ""


@dataclass(frozen=True)
class Fleet:
    """What there is at one moment.

    Attributes:
        rows: Runs, what wants a person first and the longest waiting first.
        counts: How many are under way, and how many want what.
        more: Rows that there are beyond those.
        workers: Worker processes that have lately asked for work.
        letters: Dead letters that nobody has looked at; at most a hundred are counted.
    """

    at: datetime
    rows: tuple[Row, ...] = ()
    counts: dict[str, int] = field(default_factory=dict[str, int])
    more: int = 0
    halts: tuple[Halt, ...] = ()
    breakers: tuple[Breaker, ...] = ()
    pauses: tuple[Pause, ...] = ()
    workers: int = 0
    letters: int = 0


class Look:
    """Looks again and again; a run that waits is not asked twice what it waits for."""

    def __init__(self, opened: Session, *, tenant: str = "", every: bool = False) -> None:
        self._opened = opened
        self._of = f" AND Tenant = '{reading.quoted(tenant)}'" if tenant else ""
        self._every = every
        self._tenant = tenant
        self._known: dict[tuple[str, str], Status] = {}

    async def look(self, most: int) -> Fleet:
        """Return what there is now, with at most so many rows."""
        opened = self._opened
        waiting = await self._list(f"{_OPEN}{self._of} AND {_WAITING}")
        # The lists overlap rather than miss a run that changes its state in between.
        running = await self._list(f"{_OPEN}{self._of}")
        halts = await Halts(opened.database).list()
        rows = self._rows(waiting, running, halts)
        workers = await opened.workers()
        shown = await self._asked(rows[:most]) if workers else rows[:most]
        breakers = await Breakers(opened.database).list()
        return Fleet(
            at=datetime.now(UTC),
            rows=tuple(_sorted(shown)),
            counts=await self._counts(waiting, running, rows),
            more=max(len(rows) - most, 0),
            halts=tuple(halts),
            breakers=tuple(each for each in breakers if each.state is not BreakerState.CLOSED),
            pauses=tuple((await Pauses(opened.database).under_way()).values()),
            workers=workers,
            letters=len(await DeadLetters(opened.database).list()),
        )

    async def _list(self, query: str) -> list[Listed]:
        found: dict[str, Listed] = {}
        async for each in self._opened.client.list_workflows(query, page_size=_MOST, limit=_MOST):
            found.setdefault(each.id, reading.listed(each))
        return list(found.values())

    def _rows(
        self, waiting: Sequence[Listed], running: Sequence[Listed], halts: Sequence[Halt]
    ) -> list[Row]:
        runs = {run.run_id: run for run in (*running, *waiting)}
        held = {f"{halt.scope}:{halt.name}" for halt in halts}
        rows = [Row(run, _wants(run, held)) for run in runs.values()]
        if self._every:
            return _sorted(rows)
        own = {row.run.run_id for row in rows if row.wants or row.run.parent not in runs}
        below = Counter(_above(run, runs, own) for run in runs.values() if run.run_id not in own)
        return _sorted(
            Row(row.run, row.wants, below=below[row.run.run_id])
            for row in rows
            if row.run.run_id in own
        )

    async def _counts(
        self, waiting: Sequence[Listed], running: Sequence[Listed], rows: Sequence[Row]
    ) -> dict[str, int]:
        """Return how many there are; counted by the server where its lists were cut."""
        halted = sum(row.wants == "halted" for row in rows)
        if len(waiting) < _MOST and len(running) < _MOST:
            wants = Counter(row.wants for row in rows)
            runs = {run.run_id for run in (*waiting, *running)}
            approvals, stopped = wants["approval"], wants["stopped"]
            return _counted(len(runs), approvals, stopped, halted)
        asked = (
            f"{_OPEN}{self._of}",
            f"{_OPEN}{self._of} AND AwaitingApproval = true",
            f"{_OPEN}{self._of} AND AgentState = 'STOPPED'",
        )
        found = [(await self._opened.client.count_workflows(each)).count for each in asked]
        return _counted(found[0], found[1], max(found[2] - halted, 0), halted)

    async def _asked(self, rows: Sequence[Row]) -> list[Row]:
        """Return rows with what their runs say of themselves, as far as that comes in time."""
        turn = asyncio.Semaphore(_AT_ONCE)

        async def ask(row: Row) -> Row:
            kept = (row.run.run_id, row.run.state)
            said = self._known.get(kept) if row.wants else None
            if said is None:
                async with turn:
                    said = await _status(self._opened, row.run.run_id)
            if said is not None and row.wants and (said.question or said.stop):
                self._known[kept] = said
            return Row(row.run, row.wants, said, row.below)

        tasks = [asyncio.create_task(ask(row)) for row in rows]
        if tasks:
            await asyncio.wait(tasks, timeout=_PATIENCE_S)
        for task in tasks:
            task.cancel()
        pairs = zip(rows, tasks, strict=True)
        return [
            task.result() if task.done() and not task.cancelled() else row for row, task in pairs
        ]


async def _status(opened: Session, run_id: str) -> Status | None:
    try:
        return await reading.status(opened, run_id)
    except RPCError:
        return None  # it has just closed


def _wants(run: Listed, held: set[str]) -> Wants:
    if run.awaits_approval or run.state == "PENDING_APPROVAL":
        return "approval"
    if run.state != "STOPPED":
        return ""
    concerned = Concerned(run_id=run.run_id, agent=run.agent, tenant=run.tenant)
    return "halted" if held.intersection(keys(concerned)) else "stopped"


def _above(run: Listed, runs: dict[str, Listed], own: set[str]) -> str:
    """Return the row that a run is below of."""
    while run.run_id not in own and run.parent in runs:
        run = runs[run.parent]
    return run.run_id


def _sorted(rows: Iterable[Row]) -> list[Row]:
    """Return rows in the order in which a person should see them."""
    return sorted(
        rows,
        key=lambda row: (
            _ORDER.index(row.wants),
            row.since or row.run.started_at,
            row.run.run_id,
        ),
    )


def _counted(running: int, approvals: int, stopped: int, halted: int) -> dict[str, int]:
    return {
        "under_way": running,
        "wait_for_approval": approvals,
        "stopped": stopped,
        "halted": halted,
    }
