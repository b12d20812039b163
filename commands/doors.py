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
from commands.listing import Listing
from commands.once import Wanted, start_once
from commands.refusals import (
    NobodyServes,
    NotAllowed,
    NotCounted,
    OwnRun,
    UnknownRun,
)
from commands.requesters import requesters
from commands.session import Session
from domain.access import is_same_person
from domain.approval import Decision
from domain.contract import canonical, digest
from domain.door import Event, RunEnd, RunView, Started
from runtime.tokens import Token

_ANSWER_S: Final = 20.0


@dataclass(frozen=True)
class Door(Listing):
    """What a program may do with one tenant's runs.

    Attributes:
        by: Who the program acts for; signed under what it starts and decides.
        cancels_all: It may end any run, not only those that `by` asked for.
        four_eyes: Who asked for a run, or for one above it, does not answer what it asks.
    """

    by: str = ""
    cancels_all: bool = True
    four_eyes: bool = True

    @classmethod
    def of(cls, session: Session, holder: Token, *, four_eyes: bool = True) -> "Door":
        """Return the door that a token opens."""
        everything = "cancel" in holder.scopes
        return cls(session, holder.tenant, holder.name, everything, four_eyes)

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
            OwnRun: The one who answers has asked for the run, or for one above it.
        """
        if self.four_eyes:
            await self._need_another(run_id)
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
            NotAllowed: Somebody else has asked for it.
        """
        await self.need_open(run_id)
        if not (self.cancels_all or await self._asked_for(run_id)):
            raise NotAllowed(
                f"run {run_id!r} was asked for by somebody else; ending it takes the scope 'cancel'"
            )
        await self.session.handle(run_id).cancel()

    async def _asked_for(self, run_id: str) -> bool:
        asked = await requesters(self.session, run_id)
        return any(is_same_person(self.by, name) for name in asked)

    async def _need_another(self, run_id: str) -> None:
        await self.need_open(run_id)
        if await self._asked_for(run_id):
            raise OwnRun(
                f"{self.by!r} asked for run {run_id!r}, or for a run above it, and so cannot "
                "answer what it asks; somebody else's token has to"
            )

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
