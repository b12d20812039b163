"""An activity knows which span it is: its logs name it, and what it notes there is kept."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final, Protocol

import structlog
from opentelemetry import context, trace
from opentelemetry.util.types import AttributeValue
from temporalio import activity
from temporalio.service import RPCError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from runtime.tracing.content import Redact
from runtime.tracing.family import Standing
from runtime.tracing.ids import hex_span, hex_trace, step_of
from runtime.tracing.span import Attributes, Value

_MOST: Final = 64  # notes on one span
_MOST_SPANS: Final = 5_000
_LOOK_S: Final = 2.0


class Following(Protocol):
    """What the interceptor tells, and asks where an execution stands."""

    async def standing(self, workflow_id: str, run_id: str) -> Standing | None:
        """Return where an execution stands."""
        ...

    def touched(self, workflow_id: str, run_id: str) -> None:
        """Note that something is recorded of an execution."""
        ...


class Notes:
    """What activities have noted on their spans lately, by the span's id."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact
        self._kept: OrderedDict[int, dict[str, Value]] = OrderedDict()

    def on(self, span: int) -> dict[str, Value]:
        """Return what is noted on a span, to be read or added to."""
        found = self._kept.setdefault(span, {})
        if len(self._kept) > _MOST_SPANS:
            self._kept.popitem(last=False)
        return found

    def of(self, span: int) -> Attributes:
        """Return what was noted on a span, as it may be told."""
        found = self._kept.get(span, {})
        return {k: self._redact(v) if isinstance(v, str) else v for k, v in found.items()}


class Noting(trace.NonRecordingSpan):
    """The span of the step that an activity carries out.

    It is told from the history once the step has ended, so it cannot be ended here; what is set on
    it is added then, unless this process is killed before.
    """

    def __init__(self, place: trace.SpanContext, notes: dict[str, Value]) -> None:
        super().__init__(place)
        self._notes = notes

    def is_recording(self) -> bool:
        """Say that attributes are kept."""
        return True

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Keep an attribute for the step's span."""
        if len(self._notes) < _MOST:
            self._notes[key] = _plain(value)

    def set_attributes(self, attributes: Any) -> None:
        """Keep several."""
        for key, value in dict(attributes).items():
            self.set_attribute(key, value)


def _plain(value: AttributeValue) -> Value:
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return tuple(str(each) for each in value)
    return str(value)


class InStep(Interceptor):
    """Puts each activity into its step's span; does nothing until it is given a follower."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.following: Following | None = None

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap one attempt."""
        return _Within(next, self)


class _Within(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, own: InStep) -> None:
        super().__init__(inner)
        self._own = own

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info, following = activity.info(), self._own.following
        workflow_id, run_id = info.workflow_id or "", info.workflow_run_id or ""
        if following is None or not run_id:
            return await super().execute_activity(input)
        try:
            standing = await _standing(following, workflow_id, run_id)
            if standing is None:
                return await super().execute_activity(input)
            return await self._within(standing, input)
        finally:
            following.touched(workflow_id, run_id)

    async def _within(self, standing: Standing, input: ExecuteActivityInput) -> Any:
        span = step_of(standing.run_id, activity.info().activity_id)
        flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
        place = trace.SpanContext(standing.trace, span, is_remote=False, trace_flags=flags)
        noting = Noting(place, self._own.notes.on(span))
        token = context.attach(trace.set_span_in_context(noting))
        ids = {"trace_id": hex_trace(standing.trace), "span_id": hex_span(span)}
        try:
            with structlog.contextvars.bound_contextvars(**ids):
                return await super().execute_activity(input)
        finally:
            context.detach(token)


async def _standing(following: Following, workflow_id: str, run_id: str) -> Standing | None:
    """Return where an execution stands; a server that is slow to say holds no activity up."""
    try:
        async with asyncio.timeout(_LOOK_S):
            return await following.standing(workflow_id, run_id)
    except (RPCError, OSError, TimeoutError):
        return None
