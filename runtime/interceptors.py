"""What surrounds every activity: its fields in the logs, its numbers, a write's last seconds."""

import asyncio
import time
from collections.abc import Set as AbstractSet
from typing import Any, Final

import structlog
from opentelemetry import trace
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from domain.activity import TRANSCRIPT_MISS, ActOutcome
from runtime.metrics import Meters

# Taken from an activity's input where it has them.
_FIELDS: Final = ("agent", "turn")


class Observe(Interceptor):
    """Binds run, turn, agent and tool to the logs of an activity, and counts it."""

    def __init__(self, meters: Meters, tools: AbstractSet[str]) -> None:
        self._meters = meters
        self._tools = tools

    def intercept_activity(
        self,
        next: ActivityInboundInterceptor,
    ) -> ActivityInboundInterceptor:
        """Wrap one attempt."""
        return _Observed(next, self._meters, self._tools)


class _Observed(ActivityInboundInterceptor):
    def __init__(
        self, inner: ActivityInboundInterceptor, meters: Meters, tools: AbstractSet[str]
    ) -> None:
        super().__init__(inner)
        self._meters = meters
        self._tools = tools

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        name = info.activity_type
        fields = _fields(info.workflow_id, input, name if name in self._tools else None)
        started = time.monotonic()
        with structlog.contextvars.bound_contextvars(**fields):
            _annotate(fields, name)
            try:
                result = await super().execute_activity(input)
            except BaseException as error:
                self._failed(name, error)
                raise
            finally:
                self._meters.activity(name, time.monotonic() - started)
        if name in self._tools:
            outcome = result.kind if isinstance(result, ActOutcome) else "ok"
            self._meters.tool_call(name, outcome)
        return result

    def _failed(self, name: str, error: BaseException) -> None:
        kind = error.type if isinstance(error, ApplicationError) else None
        if kind == TRANSCRIPT_MISS:
            self._meters.transcript_miss()
            return
        self._meters.failure(name, kind or type(error).__name__)
        if name in self._tools:
            self._meters.tool_call(name, "failed")


class FinishWrites(Interceptor):
    """Lets a write that has begun finish when the worker stops, or it would end in doubt.

    The SDK cancels what still runs after the graceful time. A read is then done again
    elsewhere; a write that was cut off would have to be put before a person. The write's own
    timeout bounds the wait.
    """

    def __init__(self, writes: AbstractSet[str]) -> None:
        self._writes = writes

    def intercept_activity(
        self,
        next: ActivityInboundInterceptor,
    ) -> ActivityInboundInterceptor:
        """Wrap one attempt."""
        return _Finished(next, self._writes)


class _Finished(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, writes: AbstractSet[str]) -> None:
        super().__init__(inner)
        self._writes = writes

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        if activity.info().activity_type not in self._writes:
            return await super().execute_activity(input)
        write = asyncio.ensure_future(super().execute_activity(input))
        try:
            return await asyncio.shield(write)
        except asyncio.CancelledError:
            if not activity.is_worker_shutdown():
                write.cancel()
            return await write


def _fields(run: str | None, given: ExecuteActivityInput, tool: str | None) -> dict[str, Any]:
    fields: dict[str, Any] = {"run": run}
    request = given.args[0] if given.args else None
    for name in _FIELDS:
        value = getattr(request, name, None)
        if isinstance(value, str | int):
            fields[name] = value
    if tool is not None:
        fields["tool"] = tool
    return fields


def _annotate(fields: dict[str, Any], name: str) -> None:
    """Put the same on the activity's span, in OpenTelemetry's GenAI words."""
    span = trace.get_current_span()
    if not span.is_recording():
        return
    span.set_attribute("gen_ai.conversation.id", str(fields["run"]))
    if "agent" in fields:
        span.set_attribute("gen_ai.agent.name", fields["agent"])
    if "turn" in fields:
        span.set_attribute("holdfast.turn", fields["turn"])
    if "tool" in fields:
        span.set_attribute("gen_ai.operation.name", "execute_tool")
        span.set_attribute("gen_ai.tool.name", name)
