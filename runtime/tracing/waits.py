"""The states that a run goes through, and its waits for people."""

from typing import Final

from temporalio.api.history.v1 import HistoryEvent

from domain.approval import Decision
from domain.lifecycle import WAITS
from runtime.tracing import gates
from runtime.tracing.content import Redact
from runtime.tracing.gates import Gate, Said
from runtime.tracing.payloads import Payloader, when
from runtime.tracing.sheet import Sheet
from runtime.tracing.steps import Step

_STATE: Final = "AgentState"
_APART_NS: Final = 1_000


class Waits:
    """Follows the search attribute that says the state, and what people say meanwhile."""

    def __init__(self, sheet: Sheet, payloads: Payloader, text: Redact) -> None:
        self._sheet = sheet
        self._payloads = payloads
        self._text = text
        self._gate: Gate | None = None
        self._timers: dict[int, str] = {}
        self._updates: dict[int, str] = {}

    async def upserted(self, event: HistoryEvent) -> None:
        """Take in a change of the state: a span without length."""
        changed = event.upsert_workflow_search_attributes_event_attributes.search_attributes
        if _STATE not in changed.indexed_fields:
            return
        before, now = self._sheet.state, await self._payloads.text(changed.indexed_fields[_STATE])
        self._end(event)
        self._sheet.state = now
        at = self._sheet.clock
        # What follows in the same moment follows: backends sort by time, to the microsecond.
        self._sheet.clock += _APART_NS
        step = Step(f"state {now}", self._sheet.id("state", event), at, self._sheet.above)
        step.put = {"holdfast.state.to": now}
        if before:
            step.put["holdfast.state.from"] = before
        self._sheet.tell(step, event, end=at)
        if now in WAITS:
            self._gate = Gate(now, self._sheet.clock, event.event_id)

    # --- what is said meanwhile

    async def timer_started(self, event: HistoryEvent) -> None:
        """Take the name of what is waited for."""
        if self._gate is None or not event.user_metadata.HasField("summary"):
            return
        summary = await self._payloads.text(event.user_metadata.summary)
        if gates.PERSON in summary:
            self._timers[event.event_id] = summary
        self._gate.summary(summary)

    async def timer_fired(self, event: HistoryEvent) -> None:
        """Take silence for an answer."""
        started = event.timer_fired_event_attributes.started_event_id
        if self._timers.pop(started, "") and self._gate is not None:
            self._gate.answers.append(Said("silence", "timer", self._sheet.tasks))

    async def signalled(self, event: HistoryEvent) -> None:
        """Take what a person signals."""
        signal = event.workflow_execution_signaled_event_attributes
        if self._gate is None or signal.signal_name not in gates.ANSWERS:
            return
        sent = await self._payloads.first(signal.input)
        said = gates.signalled(signal.signal_name, sent, signal.identity, self._sheet.tasks)
        self._gate.answers.append(said)

    async def update_accepted(self, event: HistoryEvent) -> None:
        """Note who asks."""
        asked = event.workflow_execution_update_accepted_event_attributes.accepted_request
        if asked.input.name in gates.UPDATES:
            self._updates[event.event_id] = asked.meta.identity

    async def update_completed(self, event: HistoryEvent) -> None:
        """Take what a person said and the run has confirmed."""
        done = event.workflow_execution_update_completed_event_attributes
        identity = self._updates.pop(done.accepted_event_id, None)
        if identity is None or self._gate is None or not done.outcome.HasField("success"):
            return
        result = await self._payloads.first(done.outcome.success)
        if isinstance(result, dict):
            said = gates.decided(Decision.model_validate(result), identity, self._sheet.tasks)
        else:
            said = Said(str(result), "update", self._sheet.tasks, identity=identity, certain=True)
        self._gate.answers.append(said)

    # --- its end

    def resume(self, event: HistoryEvent) -> None:
        """Begin an open wait anew: it is this execution's from here on."""
        if self._gate is not None:
            self._gate.since = self._sheet.clock = when(event)

    def _end(self, event: HistoryEvent) -> None:
        if self._gate is None:
            return
        gate, self._gate = self._gate, None
        stop = gate.state == "STOPPED"
        step = Step(
            "gate stop" if stop else "gate approval",
            self._sheet.id(f"gate {gate.by_event}", event),
            gate.since,
            self._sheet.above,
        )
        until = self._sheet.clock
        for name, value in gate.attributes(until).items():
            step.put[name] = self._text(value) if isinstance(value, str) else value
        self._sheet.tell(step, event, end=until)
        self._timers.clear()

    def close(self, event: HistoryEvent) -> None:
        """End a wait that the run's own end has ended."""
        self._sheet.clock = when(event)
        self._end(event)
