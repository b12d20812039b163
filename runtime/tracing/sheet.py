"""What has been told of an execution so far, and where in it one is."""

from collections.abc import Callable
from dataclasses import replace

from temporalio.api.history.v1 import HistoryEvent

from runtime.tracing.family import Standing
from runtime.tracing.ids import span_of
from runtime.tracing.payloads import when
from runtime.tracing.span import Attributes, Told
from runtime.tracing.steps import Step

Noted = Callable[[int], Attributes]
"""Returns what an activity itself has noted on its span, by the span's id."""


class Sheet:
    """The spans of one execution, in the order of the events that ended them.

    Attributes:
        state: The run's state.
        above: Id of the span that what begins now is under.
        tasks: Workflow tasks so far.
        clock: The run's own time: when its task began, or its last local activity ended. What a
            task decides the server writes down only at the task's end, all at one moment.
    """

    def __init__(self, standing: Standing, noted: Noted | None = None) -> None:
        self.standing = standing
        self.told: list[Told] = []
        self.state = ""
        self.above = standing.under
        self.tasks = 0
        self.clock = standing.began.at
        self._noted = noted
        self._judged: list[int] = []

    def id(self, what: str, event: HistoryEvent) -> int:
        """Return the id of a span that `event` begins."""
        return span_of(what, self.standing.run_id, str(event.event_id))

    def tell(
        self,
        step: Step,
        event: HistoryEvent,
        *,
        end: int = 0,
        error: str | None = None,
        check: bool = False,
    ) -> None:
        """Tell a step that `event` has ended; a check's is told which state it led to."""
        noted: Attributes = self._noted(step.id) if self._noted else {}
        if check:
            self._judged.append(len(self.told))
        until = end or when(event)
        self.told.append(
            Told(
                name=step.name,
                trace=self.standing.trace,
                id=step.id,
                parent=step.above,
                start=min(step.since, until),
                end=until,
                by_event=event.event_id,
                # What the history says is certain, so it stands over what was noted.
                attributes={**noted, **self._kind(step, check=check), **step.put},
                happened=tuple(step.happened),
                links=self.standing.links if step.id == self.standing.under else (),
                error=error if error is not None else step.error,
                client=step.client,
            )
        )

    def _kind(self, step: Step, *, check: bool) -> Attributes:
        """Return what all spans have; OpenInference's word where OpenTelemetry has none."""
        run: Attributes = {"gen_ai.conversation.id": self.standing.workflow_id}
        if "gen_ai.operation.name" in step.put:
            return run
        return {**run, "openinference.span.kind": "GUARDRAIL" if check else "CHAIN"}

    def settle(self) -> None:
        """Say which state the checks of a workflow task led to, now that it is over."""
        for place in self._judged:
            told = self.told[place]
            more = {"holdfast.validation.next_state": self.state or "none"}
            self.told[place] = replace(told, attributes={**told.attributes, **more})
        self._judged.clear()

    def forget(self) -> None:
        """Forget all that was told: another execution has told it."""
        self.settle()
        self.told.clear()
