"""What a model call may use at most, and what a run has left: its worst case is reserved first."""

from collections.abc import Sequence
from datetime import timedelta

from temporalio import workflow

from workflows.ends import LimitReachedError
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.budget import Cap
    from domain.contract import canonical
    from domain.messages import Message
    from domain.thinking import Aside

_LEAST_OUTPUT = 64  # tokens; an answer cut shorter is worth less than its price
_FRAMING = 32  # tokens a vendor may add around one message
_VENDOR_WORDS = 2_000  # what a vendor's form adds to a spec: keys, a plan's schema and its prompt


class Reserve:
    """The run's budget, seen from its next model call."""

    def __init__(self, work: Work) -> None:
        self._state, self._spec, self._desk = work.state, work.spec, work.desk

    def left(self) -> timedelta:
        """Return the wall clock that is left."""
        return timedelta(seconds=self._state.limits.wall_clock_s) - self._desk.clock.worked()

    def turn(self, model: str) -> tuple[Cap, int]:
        """Return what the next turn, of `model`, may use and how much of that may be output.

        The worst case is known: the input is at most what the provider counted last time plus
        a token for each new byte, since no tokenizer in use makes more tokens than bytes.

        Raises:
            LimitReachedError: It could exceed one of the run's limits.
        """
        return self._cap(self._input_bound(model), self._spec.max_output_tokens)

    def aside(self, aside: Aside, shown: Sequence[Message], model: str) -> tuple[Cap, int]:
        """Return the same for a call beside the conversation that is shown `shown` of it.

        Args:
            aside: The call.
            shown: The conversation's first messages.
            model: The one that is asked.

        Raises:
            LimitReachedError: It could exceed one of the run's limits.
        """
        counted, since = self._counted(model)
        if not (counted and shown):
            since = 0
            tools = self._spec.model_dump(mode="json") if aside.reads else {}
            counted = len(canonical(tools))
        own = len(canonical(aside.model_dump(mode="json"))) + _VENDOR_WORDS + _FRAMING
        unseen = sum(message.size + _FRAMING for message in shown[since:])
        return self._cap(counted + own + unseen, aside.max_output_tokens)

    def _cap(self, bound: int, wanted: int) -> tuple[Cap, int]:
        spend, limits = self._state.spend, self._state.limits
        if limit := spend.exhausted(limits):
            raise LimitReachedError(limit)
        if self.left() <= timedelta():
            raise LimitReachedError("wall_clock_s")
        output = min(wanted, limits.tokens - spend.tokens - bound)
        if output < min(_LEAST_OUTPUT, wanted):
            raise LimitReachedError("tokens")
        return Cap(tokens=bound + output, cost_usd=limits.cost_usd - spend.cost_usd), output

    def _counted(self, model: str) -> tuple[int, int]:
        """Return the last turn's tokens and the messages they cover, if `model` counted them."""
        state = self._state
        if state.counted_by not in {"", model}:
            return 0, 0  # another model's tokens are not this one's
        return state.counted_tokens, state.counted_messages

    def _input_bound(self, model: str) -> int:
        state = self._state
        counted, since = self._counted(model)
        if not counted:
            since = 0
            counted = len(canonical(self._spec.model_dump(mode="json"))) + _VENDOR_WORDS
        unseen = state.messages[since:]
        return counted + sum(message.size + _FRAMING for message in unseen)
