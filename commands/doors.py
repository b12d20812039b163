"""The door for programs: what HTTP, MCP and A2A share, so that each is a translation and no more.

A door keeps nothing: what an idempotency key stands for is the id of its run, which the Temporal
server gives away once. So any number of copies serve, and none need know of another.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from temporalio.client import (
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from commands import admission, door_views, events, reading
from commands.errors import root
from commands.once import Wanted, start_once
from commands.refusals import (
    NobodyServes,
    NotCounted,
    UnfitInput,
    UnknownRun,
)
from commands.tenancy import Tenancy
from domain.approval import Decision
from domain.contract import canonical, digest
from domain.door import Event, Page, RunEnd, RunView, Started, Waiting

_ANSWER_S: Final = 20.0
_AT_ONCE: Final = 10
_WAITS: Final = "(AwaitingApproval = true OR AgentState IN ('PENDING_APPROVAL', 'STOPPED'))"


@dataclass(frozen=True)
class Door(Tenancy):
    """What a program may do with one tenant's runs.

    Attributes:
        by: Who the program acts for; signed under what it starts and decides.
    """

    by: str = ""

    # --- starting

    async def start(self, workflow: str, given: dict[str, Any], key: str) -> Started:
        """Start a run, once for each key of the tenant, whichever copy of a door is asked.

        No worker is needed: the run waits for one.

        Args:
            workflow: What is started, as `commands.kinds` calls it; `agent` for one agent.
            given: The fields of its request that are the caller's to set.
            key: The same again: the same run, whether it is under way or has ended.

        Raises:
            UnfitInput: The input or the key cannot be worked on.
            KeyReused: The key stands for another input.
        """
        kind = admission.known(workflow)
        run_id = admission.run_id(self.tenant, key)
        request = admission.request(kind, given)
        request = request.model_copy(update={"tenant": self.tenant, "by": self.by})
        wanted = Wanted(run_id, kind, request, digest(kind.name, canonical(given)))
        return await start_once(self, wanted)

    async def start_agent(
        self, agent: str, task: str, key: str, data: dict[str, str] | None = None
    ) -> Started:
        """Start one agent on a task; see `start`."""
        given: dict[str, Any] = {"agent": agent, "task": task}
        return await self.start("agent", given | ({"data": data} if data else {}), key)

    # --- seeing

    async def status(self, run_id: str) -> RunView:
        """Return where a run is.

        Raises:
            UnknownRun: The tenant has none with that id.
        """
        try:
            found = await self.described(run_id)
        except UnknownRun:
            return door_views.kept_view(await self.need_kept(run_id))
        shown = door_views.view(reading.listed(found))
        if found.close_time is not None:
            closed = await reading.result(self.session, run_id)
            return shown.model_copy(update={"outcome": closed.outcome})
        # Asked in vain, a run keeps its asker waiting for seconds.
        served = await self.session.workers()
        said = await reading.status(self.session, run_id) if served else None
        return shown.model_copy(update={"said": said})

    async def result(self, run_id: str, wait: float = 0) -> RunEnd | None:
        """Return how a run ended; None while it is under way.

        Args:
            run_id: The run.
            wait: Seconds to wait for its end.

        Raises:
            UnknownRun: The tenant has none with that id.
        """
        try:
            found = await self.described(run_id)
        except UnknownRun:
            return door_views.kept_end(await self.need_kept(run_id))
        if found.close_time is None and wait <= 0:
            return None
        try:
            async with asyncio.timeout(max(wait, _ANSWER_S if found.close_time else wait)):
                closed = await reading.result(self.session, run_id)
        except TimeoutError:
            return None
        return door_views.end(found.workflow_type, run_id, closed, await self.kept(run_id))

    async def runs(
        self, *, limit: int = 50, after: str = "", workflow: str = "", state: str = ""
    ) -> Page:
        """Return the tenant's runs, newest first, children too.

        Args:
            limit: How many at most.
            after: `next` of the page before.
            workflow: Only runs of this kind.
            state: Only runs in this state of the lifecycle.

        Raises:
            UnfitInput: There is no such workflow, or `after` is no page's `next`.
        """
        parts = [reading.OURS, f"Tenant = '{reading.quoted(self.tenant)}'"]
        if workflow:
            parts.append(f"WorkflowType = '{admission.known(workflow).workflow}'")
        if state:
            parts.append(f"AgentState = '{reading.quoted(state)}'")
        found = self.session.client.list_workflows(
            " AND ".join(parts), page_size=limit, next_page_token=_token(after)
        )
        try:
            await found.fetch_next_page()
        except RPCError as error:
            if after and error.status is RPCStatusCode.INVALID_ARGUMENT:
                raise UnfitInput("`after` is not the `next` of a page", {"after": ""}) from None
            raise
        views = tuple(door_views.view(reading.listed(each)) for each in found.current_page or ())
        return Page(runs=views, next=(found.next_page_token or b"").hex())

    async def approvals(self, below: str = "", limit: int = 1_000) -> tuple[Waiting, ...]:
        """Return what waits for a person, oldest first: open questions, and stopped runs.

        Args:
            below: Only in this run and in the runs below it.
            limit: How many at most; of more, the newest.
        """
        query = (
            f"{reading.OURS} AND Tenant = '{reading.quoted(self.tenant)}' AND "
            f"ExecutionStatus = 'Running' AND {_WAITS}"
        )
        if below:
            query += f" AND RootWorkflowId = '{reading.quoted(below)}'"
        listed = [
            reading.listed(found)
            async for found in self.session.client.list_workflows(query, limit=limit)
        ]
        slots = asyncio.Semaphore(_AT_ONCE)
        served = await self.session.workers() > 0

        async def asked(run: reading.Listed) -> Waiting | None:
            async with slots:
                said = await reading.status(self.session, run.run_id) if served else None
            return door_views.waiting(run, said)

        found = await asyncio.gather(*(asked(run) for run in listed))
        return tuple(
            sorted((each for each in found if each), key=lambda waiting: waiting.started_at)
        )

    async def events(self, run_id: str, after: str = "") -> AsyncGenerator[Event]:
        """Yield what happens in a run, from its start or after an event, until it ends.

        Args:
            run_id: The run.
            after: The id of the last event that the caller has.

        Raises:
            UnknownRun: The tenant has none with that id.
            UnfitInput: `after` is no event's id.
        """
        place = events.place(after)
        try:
            await self.described(run_id)
        except UnknownRun:
            kept = await self.need_kept(run_id)
            yield events.kept_end(door_views.kept_end(kept), kept.closed_at)
            return
        async for event in events.follow(self.session, run_id, place):
            yield event

    # --- deciding

    async def decide(
        self,
        run_id: str,
        approval_id: str,
        verdict: str,
        *,
        reason: str = "",
        arguments: dict[str, Any] | None = None,
    ) -> Decision:
        """Answer a run's open question. The same answer again is told the same.

        Raises:
            UnknownRun: The tenant has none with that id.
            NotCounted: That question is not open, or the answer cannot be one to it.
            NobodyServes: No worker takes the answer.
        """
        fields = {
            "verdict": verdict,
            "approval_id": approval_id,
            "reason": reason,
            "arguments": arguments,
            "by": self.by,
        }
        return await self._tell(run_id, "decide", fields, Decision)

    async def unstop(self, run_id: str, verdict: str, *, reason: str = "") -> str:
        """Say how a stopped run goes on: `retry`, `skip` or `abort`.

        Raises:
            UnknownRun: The tenant has none with that id.
            NotCounted: It is not stopped, or that is no way for it.
            NobodyServes: No worker takes the answer.
        """
        fields = {"verdict": verdict, "reason": reason, "by": self.by}
        return await self._tell(run_id, "unstop", fields, str)

    async def cancel(self, run_id: str) -> None:
        """Ask a run to end; it undoes what it can first. Idempotent while it is under way.

        Raises:
            UnknownRun: The tenant has none with that id.
            NotCounted: It has closed.
        """
        await self.need_open(run_id)
        await self.session.handle(run_id).cancel()

    async def _tell(self, run_id: str, update: str, fields: dict[str, Any], model: Any) -> Any:
        await self.need_open(run_id)
        if not await self.session.workers():
            raise NobodyServes("no worker serves the run, so nobody can take the answer")
        given = {name: value for name, value in fields.items() if value}
        handle = self.session.handle(run_id)
        try:
            return await handle.execute_update(  # pyright: ignore[reportUnknownMemberType]
                update,
                given,
                # An answer that names its question is the same one when it comes again.
                id=digest(update, canonical(given)) if "approval_id" in given else None,
                result_type=model,
                rpc_timeout=timedelta(seconds=_ANSWER_S),
            )
        except WorkflowUpdateFailedError as error:
            raise NotCounted(root(error)) from None
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            raise NobodyServes(
                f"no worker took the answer in {_ANSWER_S:.0f} s; it may still count: look at "
                "the run, or send the same answer again"
            ) from None
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:  # it closed in between
                raise NotCounted(f"run {run_id!r} has closed; nothing was changed") from None
            raise


def _token(after: str) -> bytes | None:
    try:
        return bytes.fromhex(after) if after else None
    except ValueError:
        raise UnfitInput("`after` is not the `next` of a page", {"after": "expected it"}) from None
