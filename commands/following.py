"""Waiting for a run: live on a terminal, a line a change in a pipe, silent for a machine."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rich.live import Live
from temporalio.client import WorkflowExecutionDescription

from commands import console, history, reading, views
from commands.errors import CommandError, Exit, one_line
from commands.reading import Closed, Listed
from commands.session import NO_WORKER, Session
from domain.run import Status

_LIVE_EVERY_S = 0.4
_QUIET_EVERY_S = 1.0
# So long may a run not move before it is worth a look whether anyone works on it.
_WORRY_AFTER_S = 8.0
_LOOKS = 2
_TASK_ATTEMPTS = 3


@dataclass(frozen=True)
class Waits:
    """A run that goes on only when a person says so.

    Attributes:
        run_id: The run that asks: the one followed, or one below it.
        root: The one followed.
        others: How many more below it wait.
    """

    run_id: str
    state: str
    status: Status | None
    root: str
    others: int = 0


@dataclass
class _Seen:
    """What the last look found, to tell what has changed."""

    state: str = ""
    line: str = ""
    moved_at: float = field(default_factory=time.monotonic)
    all_wait: int = 0
    told: set[str] = field(default_factory=set[str])


async def follow(
    session: Session, run_id: str, *, stay: bool = False, silent: bool = False
) -> Closed | Waits:
    """Wait until the run ends, or until it waits for a person.

    Args:
        session: A connected session.
        run_id: The run.
        stay: Go on watching while it waits for a person.
        silent: Show nothing but worries.
    """
    end = asyncio.create_task(reading.result(session, run_id))
    try:
        async with _screen(silent=silent) as live:
            return await _watch(session, run_id, end, live, stay=stay, silent=silent)
    except asyncio.CancelledError:
        console.note(f"\ndetached; the run goes on: python starter.py watch {run_id}")
        raise
    finally:
        end.cancel()


async def _watch(
    session: Session,
    run_id: str,
    end: "asyncio.Task[Closed]",
    live: Live | None,
    *,
    stay: bool,
    silent: bool,
) -> Closed | Waits:
    seen = _Seen()
    description = await reading.described(session, run_id)
    while True:
        await asyncio.wait({end}, timeout=_LIVE_EVERY_S if live else _QUIET_EVERY_S)
        if end.done():
            return end.result()
        description = await reading.described(session, run_id)
        now = reading.listed(description)
        if live or not silent:
            await _show(session, now, seen, live)
        if not stay and (waits := await _waits(session, now, seen, description)):
            return waits
        await _worry(session, description, now, seen)


async def _show(session: Session, now: Listed, seen: _Seen, live: Live | None) -> None:
    said = await reading.status(session, now.run_id)
    if said is None:
        return
    if said.model_dump_json(exclude={"spend"}) != seen.line:
        seen.line = said.model_dump_json(exclude={"spend"})
        seen.moved_at = time.monotonic()
        if live is None and said.state != seen.state:
            console.note(f"{now.seconds:7.1f} s  {views.line(said)}")
    seen.state = said.state
    if live is not None:
        live.update(views.status(now.run_id, said, now.seconds, session.page(now.run_id)))


async def _waits(
    session: Session, now: Listed, seen: _Seen, description: WorkflowExecutionDescription
) -> Waits | None:
    """Return what the run waits for: itself, or all that is under way below it."""
    if now.state in reading.WAITS:
        said = await reading.status(session, now.run_id)
        # The server may lag behind an answer that was just given; the run itself does not.
        if said is None or said.question or said.stop:
            return Waits(now.run_id, now.state, said, now.run_id)
        return None
    raw = description.raw_description
    if not raw.pending_children or raw.pending_activities:
        return None
    below = await reading.under_way(session, now.run_id)
    between = {run.parent for run in below}  # waits for its own children, not for a person
    asking = [run for run in below if run.waits]
    everything = asking and all(run.waits or run.run_id in between for run in below)
    # Twice in a row, since the list lags: between two runs there may be one that just ended.
    seen.all_wait = seen.all_wait + 1 if everything else 0
    if seen.all_wait < _LOOKS:
        return None
    said = await reading.status(session, asking[0].run_id)
    return Waits(asking[0].run_id, asking[0].state, said, now.run_id, len(asking) - 1)


async def _worry(
    session: Session, description: WorkflowExecutionDescription, now: Listed, seen: _Seen
) -> None:
    """Say once what keeps a run from moving: no worker, or a step that fails again and again."""
    if time.monotonic() - seen.moved_at < _WORRY_AFTER_S or now.state in reading.WAITS:
        return
    worries = await trouble(session, description)
    if not await session.workers():
        queue = session.settings.task_queue
        worries.append(f"no worker serves {queue!r}; the run waits for one: {NO_WORKER}")
    for worry in worries:
        if worry not in seen.told:
            seen.told.add(worry)
            console.warn(worry)


async def trouble(session: Session, description: WorkflowExecutionDescription) -> list[str]:
    """Return what the server says is being tried again, a line each."""
    raw = description.raw_description
    converter = session.client.data_converter
    found = [
        f"{activity.activity_type.name} is tried again: "
        f"{_last(await history.reason(converter, activity.last_failure))}"
        for activity in raw.pending_activities
        if activity.attempt > 1
    ]
    if raw.pending_workflow_task.attempt > _TASK_ATTEMPTS:
        found.append(
            "the worker cannot take the run's next step, and tries again; its log says why "
            "(up: .holdfast/worker.log). The run is not lost: it goes on once the code is mended"
        )
    return found


def _last(message: str) -> str:
    return one_line(message) or "its worker was lost"


@asynccontextmanager
async def _screen(*, silent: bool) -> AsyncGenerator[Live | None]:
    if silent or not sys.stderr.isatty():
        yield None
        return
    with Live(console=console.err(), refresh_per_second=8, transient=True) as live:
        yield live


def report_wait(session: Session, waits: Waits) -> Exit:
    """Show a person what the run wants of them, and return the exit code for it."""
    said = waits.status
    if said is None:
        raise CommandError(
            f"run {waits.run_id!r} waits for a person, and no worker can say for what; {NO_WORKER}"
        )
    shown = console.err()
    if said.question:
        shown.print(views.question(waits.run_id, reading.Question.model_validate(said.question)))
    if said.stop:
        shown.print(views.stopped(waits.run_id, said.stop))
    if waits.others:
        console.note(
            f"{waits.others} more runs below {waits.root} wait; "
            f"python starter.py retry|skip|abort {waits.root} answers all that are stopped"
        )
    page = session.page(waits.run_id)
    if page:
        console.note(f"or in the Temporal UI: {page}")
    console.note(f"then: python starter.py watch {waits.root}")
    return Exit.WAITS
