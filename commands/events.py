"""A run's events as they happen, over all that it continues as.

The server is asked for the history and holds the request until there is more of it, so nothing
is polled and nothing is kept here: any copy of a door can go on where another one stopped.
"""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from temporalio.client import WorkflowHistoryEventAsyncIterator

from commands import reading, telling
from commands.refusals import UnfitInput
from commands.session import Session
from domain.door import Event, EventType, RunEnd
from domain.run import Status

_PLACE: Final = re.compile(r"([0-9a-f-]{36}):(\d{1,9})\.(\d)")
_LIVE: Final = 9  # the place after everything that an event means
_ASKS: Final[dict[str, EventType]] = {"PENDING_APPROVAL": "question", "STOPPED": "stop"}


@dataclass(frozen=True)
class Place:
    """Where in a run an event is.

    Attributes:
        execution: Which of the executions that the run consists of; empty: before the first.
        number: The event's number in it.
        part: One event can mean several things.
    """

    execution: str = ""
    number: int = 0
    part: int = 0

    def __str__(self) -> str:
        """Return it as an event's id."""
        return f"{self.execution}:{self.number}.{self.part}"


def place(text: str) -> Place:
    """Return the place that an event's id names; nothing: the beginning.

    Raises:
        UnfitInput: It is no event's id.
    """
    if not text or text == "end":
        return Place()
    found = _PLACE.fullmatch(text)
    if found is None:
        raise UnfitInput(f"{text[:80]!r} is no event's id; send the id of the last event you have")
    return Place(found[1], int(found[2]), int(found[3]))


async def follow(session: Session, run_id: str, after: Place) -> AsyncGenerator[Event]:
    """Yield the events of a run after `after`, and new ones as they come, until it ends.

    A question, or a stop, that is still open is told anew to everyone who begins to listen.
    """
    execution, after = await _first(session, run_id, after)
    while execution:
        leg = _Leg(session, run_id, execution, after)
        async for event in leg.events():
            yield event
        execution, after = leg.teller.next, Place()


async def _first(session: Session, run_id: str, after: Place) -> tuple[str, Place]:
    """Return the execution to begin with, and the place in it.

    That is the one `after` is in. A run that was resumed has left the one in which it failed; who
    was there begins anew.
    """
    execution = (await session.handle(run_id).describe()).run_id
    while True:
        if execution == after.execution:
            return execution, after
        handle = session.client.get_workflow_handle(run_id, run_id=execution)
        history = handle.fetch_history_events(page_size=1)
        begun = (await anext(history)).workflow_execution_started_event_attributes
        if not begun.continued_execution_run_id:
            return execution, Place()
        execution = begun.continued_execution_run_id


class _Leg:
    """One execution of the run, followed to its end."""

    def __init__(self, session: Session, run_id: str, execution: str, after: Place) -> None:
        self._session = session
        self._run_id = run_id
        self._execution = execution
        self._after = (after.number, after.part)
        self._state = ""
        self._told = ""
        self.teller = telling.Teller(session.client.data_converter)

    async def events(self) -> AsyncGenerator[Event]:
        """Yield what happens in it."""
        handle = self._session.client.get_workflow_handle(self._run_id, run_id=self._execution)
        history = handle.fetch_history_events(wait_new_event=True)
        last = 0
        while not (self.teller.ended or self.teller.next):
            await history.fetch_next_page()
            for raw in history.current_page or ():
                last = raw.event_id
                part = 0
                async for kind, told in self.teller.tell(raw):
                    self._note(kind, told)
                    if (last, part) > self._after:
                        where = Place(self._execution, last, part)
                        yield Event(id=str(where), type=kind, at=telling.at(raw), data=told)
                    part += 1
            if not self.teller.ended and (asked := await self._asked(last)) is not None:
                yield asked
            if _is_over(history):
                return

    def _note(self, kind: EventType, told: dict[str, object]) -> None:
        if kind == "state":
            self._state, self._told = str(told["state"]), ""

    async def _asked(self, last: int) -> Event | None:
        """Return what the run asks for now, once; only the run itself knows that."""
        kind = _ASKS.get(self._state)
        if kind is None or self._told:
            return None
        said = await reading.status(self._session, self._run_id)
        told = _open(kind, said)
        if told is None:
            return None  # answered meanwhile, or no worker: the next look will tell
        self._told = kind
        where = Place(self._execution, last, _LIVE)
        return Event(id=str(where), type=kind, at=datetime.now(UTC), data=told)


def _open(kind: EventType, said: Status | None) -> dict[str, object] | None:
    if said is None:
        return None
    if kind == "question":
        return said.question
    return said.stop.model_dump(mode="json") if said.stop else None


def _is_over(history: WorkflowHistoryEventAsyncIterator) -> bool:
    return history.next_page_token is None


def kept_end(end: RunEnd, closed_at: datetime | None) -> Event:
    """Return the one event that is left of a run whose history is gone."""
    reason = str((end.result or {}).get("reason", ""))
    told = {"outcome": end.outcome, "reason": reason}
    return Event(id="end", type="end", at=closed_at or datetime.now(UTC), data=told)
