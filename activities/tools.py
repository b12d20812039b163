"""Runs any declared tool, as an activity of the tool's own name.

What a tool's failure becomes is decided here once. Deterministic: a successful result that the
model reads. Transient: a failed attempt, which Temporal retries by the tool's policy. A write
that fails in any other way may have happened, and is left to the workflow as in doubt.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, Protocol

from pydantic import ValidationError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import selecting
from activities.backoff import at_least, backoff
from activities.controls import ANSWERED, Attempt, Controls, Went
from activities.heartbeat import beating
from activities.memory import Remembrance, RunMemory
from activities.sent import may_have_happened, nothing_happened
from activities.shared import SharedTranscripts, Shelf
from activities.transcripts import Transcripts
from activities.transient import asked_to_wait, transient
from activities.wording import changed, invalid, named, words
from agents.toolkit import (
    Tool,
    ToolChangedError,
    ToolContext,
    ToolError,
    ToolUnavailableError,
)
from domain.acting import (
    TOOL_TRANSIENT,
    TOOL_UNAVAILABLE,
    ActOutcome,
    ActRequest,
    CutRequest,
    Reconciled,
    ReconcileRequest,
)
from domain.messages import Message
from domain.taint import marked
from domain.tools import ToolSpec

Act = Callable[[ActRequest], Awaitable[ActOutcome]]
# Soon at first, since the attempt may have met a moment; then later. As in workflows/policies.py,
# whose delays hold for attempts that were lost.
_BACKOFF: Final = (0.2, 4.0, 30.0)


class Artifacts(Protocol):
    """Where results that are too large for a model are kept, shared by all workers."""

    async def put(self, content: bytes, media_type: str) -> str:
        """Keep `content` and return its id."""
        ...

    async def get(self, artifact_id: str) -> bytes | None:
        """Return what is kept under `artifact_id`."""
        ...


class ToolActivities:
    """Every tool of every agent, and `tools.reconcile`."""

    def __init__(
        self,
        tools: Mapping[str, Tool],
        transcripts: Transcripts,
        artifacts: Artifacts,
        database: str = "",
        *,
        controls: Controls | None = None,
        shelf: Shelf | None = None,
        memory: Remembrance | None = None,
    ) -> None:
        self._memory = memory
        self._controls = controls or Controls()
        self._tools = tools
        self._transcripts = transcripts
        self._shared = SharedTranscripts(transcripts, shelf)
        self._artifacts = artifacts
        self._database = database

    def all(self, queue: str = "") -> Sequence[Callable[..., Any]]:
        """Return the activities that a worker on the task queue `queue` registers.

        Args:
            queue: A rate-limited tool's queue; empty for the queue that runs start on.
        """
        tools = [
            tool
            for tool in self._tools.values()
            if tool.spec.queue == queue and not tool.spec.agent
        ]
        own = [] if queue else [self.reconcile, self.cut]
        return [*(self._activity(tool) for tool in tools), *own]

    def queues(self) -> Mapping[str, float]:
        """Return the queues of rate-limited tools, with calls per second over all workers."""
        specs = [tool.spec for tool in self._tools.values()]
        return {spec.queue: spec.rate_per_second for spec in specs if spec.queue}

    def _activity(self, tool: Tool) -> Act:
        @activity.defn(name=tool.spec.name)
        async def act(request: ActRequest) -> ActOutcome:
            return await self._act(tool, request)

        return act

    async def _act(self, tool: Tool, request: ActRequest) -> ActOutcome:
        """Run one call. Idempotent only if the tool is."""
        if request.schema_hash != tool.spec.schema_hash:
            return ActOutcome(kind="changed", text=changed(tool, request))
        attempt = _attempt(tool, request)
        async with beating():
            await self._controls.before(attempt)
            outcome = await self._outcome(tool, request, attempt)
        if attempt.number > 1:
            outcome = outcome.model_copy(update={"failed": attempt.number - 1})
        # The message is left where the next model call looks first.
        message = Message(role="tool", text=outcome.text, call_id=request.call_id)
        self._transcripts.remember(message)
        if request.shared:
            await self._shared.leave(message)
        return outcome

    async def _outcome(self, tool: Tool, request: ActRequest, attempt: Attempt) -> ActOutcome:
        told: ActOutcome | None = None
        text = ""
        memory = self._lent(request)
        try:
            text = await self._call(tool, request, memory)
        except ToolError as error:
            told = ActOutcome(kind="error", text=f"error: {words(error)}")
        except ValidationError as error:
            return ActOutcome(kind="error", text=f"error: {invalid(error)}")
        except ToolChangedError as error:
            told = ActOutcome(kind="changed", text=words(error))
        except Exception as error:  # noqa: BLE001 - a tool may raise anything
            # `from None`: the cause would be recorded too, at any length, with any character.
            if failure := await self._failure(tool, attempt, error):
                raise failure from None
            return ActOutcome(kind="error", text=f"error: {named(error)}")
        await self._controls.after(attempt, ANSWERED)
        outside = memory is not None and memory.outside
        if outside:  # the tool is ours, what it found is not
            request = request.model_copy(update={"mark": True})
        shown = told or await self._shown(tool.spec, request, text)
        return shown.model_copy(update={"outside": True}) if outside else shown

    async def _failure(
        self, tool: Tool, attempt: Attempt, error: Exception
    ) -> ApplicationError | None:
        """Return what a failed attempt ends with; None where it is news for the model."""
        there = not isinstance(error, ToolUnavailableError)
        if there and not tool.spec.writes and not transient(error):
            return None
        asked = asked_to_wait(error)
        said = named(error) if there else words(error)
        if not there or transient(error):
            await self._controls.after(attempt, Went(False, asked, said))
        if not there and not attempt.sent:
            nothing_happened()
        return ApplicationError(
            f"{tool.spec.name}: {said}",
            # Nothing happened this time; it is unknown what an attempt before this one did.
            type=TOOL_TRANSIENT if there or attempt.sent else TOOL_UNAVAILABLE,
            next_retry_delay=at_least(asked) if asked else backoff(attempt.number, *_BACKOFF),
        )

    def _lent(self, request: ActRequest) -> RunMemory | None:
        """Return the memory that a call may use; its own tenant's and agent's, or none."""
        if request.memory is None or self._memory is None:
            return None
        return RunMemory(self._memory, request.memory, activity.info().workflow_id or "")

    async def _call(self, tool: Tool, request: ActRequest, memory: RunMemory | None) -> str:
        context = self._context(request.key, request.tenant, request.data, of=request.of)
        context = replace(context, memory=memory) if memory else context
        task = asyncio.ensure_future(_contained(tool, context, request.arguments))
        async with asyncio.timeout(tool.spec.timeout_s):
            if not tool.spec.writes:
                return await task
            try:
                return await asyncio.shield(task)
            except asyncio.CancelledError:
                # A worker that stops, or a run that is cancelled, must not cut a write in two:
                # it ends, its record is made, and nothing is in doubt.
                if task.done():
                    raise
                return await task

    def _context(self, key: str, tenant: str, data: dict[str, str], of: str = "") -> ToolContext:
        return ToolContext(
            run_id=activity.info().workflow_id or "",
            tenant=tenant,
            key=key,
            data=data,
            of=of,
            database=self._database,
            artifact=self._artifacts.get,
        )

    async def _shown(self, spec: ToolSpec, request: ActRequest, text: str) -> ActOutcome:
        paths = selecting.asked_for(spec, request.arguments)
        keep = self._artifacts.put
        cut = partial(self._cut, mark=spec.name if request.mark else "")
        return await selecting.shown(text, paths, spec.result_bytes, keep=keep, cut=cut)

    @activity.defn(name="tools.cut")
    async def cut(self, request: CutRequest) -> ActOutcome:
        """Cut what a run below has answered, as a tool's result is cut. Idempotent."""
        async with beating():
            return await self._cut(request.text, request.result_bytes, request.mark)

    async def _cut(self, text: str, most: int, mark: str = "") -> ActOutcome:
        """Keep a result that is too large as an artifact, and show its beginning.

        With a `mark`, the name of its source, what is shown is marked as data, our note is not.
        """
        raw = text.encode("utf-8", "replace")
        if len(raw) <= most:
            whole = raw.decode()
            return ActOutcome(kind="ok", text=marked(whole, mark) if mark else whole)
        reference = await self._artifacts.put(raw, "text/plain")
        shown = raw[:most].decode("utf-8", "ignore")
        offset = len(shown.encode())
        note = (
            f"\n[cut: {offset} of {len(raw)} bytes shown; "
            f'go on with read_artifact(reference="{reference}", offset={offset})]'
        )
        shown = marked(shown, mark) if mark else shown
        return ActOutcome(kind="ok", text=shown + note, artifact=reference)

    @activity.defn(name="tools.reconcile")
    async def reconcile(self, request: ReconcileRequest) -> Reconciled:
        """Ask a tool whether the effect with a key happened. Idempotent: it only looks."""
        tool = self._tools.get(request.tool)
        if tool is None or tool.reconcile is None:
            return Reconciled(happened="unknown")
        context = self._context(request.key, request.tenant, request.data)
        async with beating():
            happened = await tool.reconcile(context)
        if happened is None:
            return Reconciled(happened="unknown")
        if not happened:
            return Reconciled(happened="no")
        text = f"done: {tool.spec.name} took effect (found afterwards by its key)"
        return Reconciled(happened="yes", text=text)


async def _contained(tool: Tool, context: ToolContext, arguments: dict[str, Any]) -> str:
    """Run a tool so that what ends a process, or looks like a cancellation, ends the call only."""
    try:
        return await tool(context, arguments)
    except SystemExit as error:
        raise RuntimeError(f"SystemExit: {error}") from error
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise RuntimeError("CancelledError, raised by the tool itself") from None


def _attempt(tool: Tool, request: ActRequest) -> Attempt:
    info = activity.info()
    return Attempt(
        kind="tool",
        name=tool.spec.name,
        run_id=info.workflow_id or "",
        number=info.attempt,
        agent=request.agent,
        tenant=request.tenant,
        breaker=tool.breaker,
        sent=tool.spec.writes and may_have_happened(),
    )
