"""What surrounds every activity: its fields in the logs, its numbers, a write's last seconds."""

import asyncio
import time
from collections import OrderedDict
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

from domain.acting import ActOutcome
from domain.halts import HALTED
from domain.refused import BREAKER_OPEN, PAUSED
from domain.thinking import TRANSCRIPT_MISS
from runtime.metrics import Meters

_MOST_RUNS: Final = 5_000
# An attempt that was not made: nothing was sent, so nothing is known of the tool.
_HELD: Final = frozenset({BREAKER_OPEN, PAUSED, HALTED})


class _Runs:
    """What is known of recent runs: a tool's input names neither the agent nor the turn."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, dict[str, str | int]] = OrderedDict()

    def fields(self, run: str, request: object) -> dict[str, str | int]:
        """Return agent and turn, from `request` where it has them, else as last seen."""
        known = self._known.setdefault(run, {})
        self._known.move_to_end(run)
        if len(self._known) > _MOST_RUNS:
            self._known.popitem(last=False)
        spec = getattr(request, "whole_spec", None)
        agent = getattr(request, "agent", None) or getattr(spec, "name", None)
        turn = getattr(request, "turn", None)
        if isinstance(agent, str):
            known["agent"] = agent
        if isinstance(turn, int):
            known["turn"] = turn
        return known


class Observe(Interceptor):
    """Binds run, turn, agent and tool to the logs of an activity, and counts it."""

    def __init__(self, meters: Meters, tools: AbstractSet[str]) -> None:
        self._meters = meters
        self._tools = tools
        self._runs = _Runs()

    def intercept_activity(
        self,
        next: ActivityInboundInterceptor,
    ) -> ActivityInboundInterceptor:
        """Wrap one attempt."""
        return _Observed(next, self._meters, self._tools, self._runs)


class _Observed(ActivityInboundInterceptor):
    def __init__(
        self,
        inner: ActivityInboundInterceptor,
        meters: Meters,
        tools: AbstractSet[str],
        runs: _Runs,
    ) -> None:
        super().__init__(inner)
        self._meters = meters
        self._tools = tools
        self._runs = runs

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        name = info.activity_type
        fields = self._fields(info.workflow_id or "", name, input)
        started = time.monotonic()
        if info.attempt > 1:
            self._meters.retry(name)
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

    def _fields(self, run: str, name: str, given: ExecuteActivityInput) -> dict[str, str | int]:
        request = given.args[0] if given.args else None
        tool: dict[str, str | int] = {"tool": name} if name in self._tools else {}
        return {"run": run, **self._runs.fields(run, request), **tool}

    def _failed(self, name: str, error: BaseException) -> None:
        kind = error.type if isinstance(error, ApplicationError) else None
        if kind == TRANSCRIPT_MISS:
            self._meters.transcript_miss()
            return
        self._meters.failure(name, kind or type(error).__name__)
        if name in self._tools:
            self._meters.tool_call(name, "held" if kind in _HELD else "failed")


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
