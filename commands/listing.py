"""A door's lists: the tenant's runs, and what of them waits for a person."""

import asyncio
from dataclasses import dataclass
from typing import Final

from temporalio.service import RPCError, RPCStatusCode

from commands import admission, door_views, reading
from commands.refusals import UnfitInput
from commands.tenancy import Tenancy
from domain.access import FLEET
from domain.door import Page, Waiting

_AT_ONCE: Final = 10
_WAITS: Final = "(AwaitingApproval = true OR AgentState IN ('PENDING_APPROVAL', 'STOPPED'))"


@dataclass(frozen=True)
class Listing(Tenancy):
    """What a tenant's lists hold."""

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
        parts = [reading.OURS, *self._mine()]
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
        query = " AND ".join([reading.OURS, *self._mine(), "ExecutionStatus = 'Running'", _WAITS])
        if below:
            query += f" AND {reading.within(below)}"
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

    def _mine(self) -> list[str]:
        everybody = self.tenant == FLEET
        return [] if everybody else [f"Tenant = '{reading.quoted(self.tenant)}'"]


def _token(after: str) -> bytes | None:
    try:
        return bytes.fromhex(after) if after else None
    except ValueError:
        raise UnfitInput("`after` is not the `next` of a page", {"after": "expected it"}) from None
