"""One history at a time, replayed with the code of this checkout."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from commands.errors import one_line
from commands.replaying.divergence import diverged
from commands.replaying.notes import Notes, noting, overhearing
from commands.replaying.offered import Offer
from commands.replaying.verdict import Fate, Run, Verdict
from workflows import FAILURES, WORKFLOWS

_SCHEDULED: Final = EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED
_STARTED: Final = EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED
_COMPLETED: Final = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
# The SDK's replayer waits for ever for a history that gives its core nothing to do. A replay takes
# a millisecond an event; this is for the longest histories on a busy machine.
_PATIENCE_S: Final = 60.0


class Replaying:
    """Replays histories, one after the other."""

    def __init__(self, converter: DataConverter, offer: Offer, patience_s: float = _PATIENCE_S):
        self._notes = Notes()
        self._offer = offer
        self._patience_s = patience_s
        self._replayer = Replayer(
            workflows=WORKFLOWS,
            workflow_runner=UnsandboxedWorkflowRunner(),
            workflow_failure_exception_types=FAILURES,
            data_converter=noting(self._notes, converter),
            interceptors=[overhearing(self._notes)],
            runtime=_quiet(),
        )

    async def verdict(self, run: Run, events: Sequence[HistoryEvent]) -> Verdict:
        """Replay one history and say what would become of its run."""
        self._notes.clear()
        given = with_a_task(events) if run.is_open else list(events)
        error = await self._error(WorkflowHistory(run.run_id, given))
        fate, event, why = self._judge(run, events, error)
        return Verdict(run, fate, len(events), event, why)

    async def _error(self, history: WorkflowHistory) -> str:
        """Return what the SDK says against a history; empty where it fits."""
        try:
            async with asyncio.timeout(self._patience_s):
                done = await self._replayer.replay_workflow(history, raise_on_replay_failure=False)
        except TimeoutError:
            return f"the replay did not end in {self._patience_s:.0f} s"
        except Exception as error:  # noqa: BLE001 - whatever it is, the run would meet it too
            return f"{type(error).__name__}: {one_line(str(error))}"
        return str(done.replay_failure) if done.replay_failure else ""

    def _judge(
        self, run: Run, events: Sequence[HistoryEvent], error: str
    ) -> tuple[Fate, int, tuple[str, ...]]:
        notes = self._notes
        unread = tuple(f"a recorded value is not what this code reads: {u}" for u in notes.unread)
        raised = tuple(f"this code raises {each}" for each in notes.raised if not notes.unread)
        kind = events[0].workflow_execution_started_event_attributes.workflow_type.name
        if kind not in self._offer.workflows:
            return Fate.WAITS, 1, (f"this code has no workflow {kind!r}",)
        if error:
            event, sentence = diverged(events, error, notes)
            return Fate.WAITS, event, (*unread, *raised, sentence)
        if run.is_open and (unread or raised):
            return Fate.FAILS, 0, (*unread, *raised)
        changed = self._offer.changes(notes.specs.values()) if run.is_open else ()
        return (Fate.STOPS, 0, changed) if changed else (Fate.FITS, 0, ())


def with_a_task(events: Sequence[HistoryEvent]) -> list[HistoryEvent]:
    """Return an open history with the task that comes next.

    What has arrived since the last task (a result, a signal, a run's end) would not be replayed
    without it: just what the new code is the first to read.
    """
    made = list(events)
    last = made[-1]
    if last.event_type not in {_SCHEDULED, _STARTED}:
        last = _after(last, _SCHEDULED)
        last.workflow_task_scheduled_event_attributes.SetInParent()
        made.append(last)
    if last.event_type != _STARTED:
        started = _after(last, _STARTED)
        started.workflow_task_started_event_attributes.scheduled_event_id = last.event_id
        made.append(started)
    return made


def _after(event: HistoryEvent, kind: EventType.ValueType) -> HistoryEvent:
    made = HistoryEvent(event_id=event.event_id + 1, event_type=kind)
    made.event_time.CopyFrom(event.event_time)
    return made


def _quiet() -> Runtime:
    """Return a runtime that logs nothing: a history that does not fit is what is looked for."""
    logging.getLogger("temporalio").setLevel(logging.CRITICAL)
    nothing = TelemetryFilter(core_level="ERROR", other_level="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=nothing)))
