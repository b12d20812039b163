"""Turns: a model call and all that follows from it, until the next one."""

from temporalio.api.history.v1 import HistoryEvent

from runtime.tracing.payloads import when
from runtime.tracing.sheet import Sheet
from runtime.tracing.steps import Step


class Turns:
    """Says which turn what happens belongs to.

    Attributes:
        count: Turns so far, those before a continue-as-new included.
        open: The turn that is under way.
    """

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self.count = 0
        self.open: Step | None = None
        self._call = 0

    def begin(self, event: HistoryEvent, step: Step, agent: str) -> None:
        """Begin a turn where `step` is a new call, and not another attempt at the last."""
        asked = step.think
        if asked is None or asked.aside is not None:
            return
        if self.open is not None and self._call == asked.turn:
            return
        self.end(event)
        self.count += 1
        self._call = asked.turn
        key, under = self._sheet.id("turn", event), self._sheet.standing.under
        self.open = Step(f"turn {self.count}", key, when(event), under)
        self.open.put = {"holdfast.turn": self.count, "holdfast.purpose": asked.purpose}
        if agent:
            self.open.put["gen_ai.agent.name"] = agent
        self._sheet.above = key

    def note(self, step: Step) -> None:
        """Put what a turn's own call came to on the turn."""
        own = step.think is not None and step.think.aside is None
        if self.open is not None and step.reply is not None and own:
            for name in ("holdfast.tools.chosen", "gen_ai.response.finish_reasons"):
                self.open.put[name] = step.put[name]

    def end(self, event: HistoryEvent) -> None:
        """End the turn that is under way, if one is."""
        if self.open is None:
            return
        step, self.open = self.open, None
        self._sheet.above = self._sheet.standing.under
        step.put["holdfast.next_state"] = self._sheet.state
        self._sheet.tell(step, event)
