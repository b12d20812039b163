"""The runs below a run of several: so many at once, each within a share of one budget."""

import asyncio
from typing import Any

from temporalio import workflow

from workflows.child import Child, lineage_of, run_child
from workflows.conducted import Conducted
from workflows.ends import RefusedError
from workflows.nearing import alert_of_several

with workflow.unsafe.imports_passed_through():
    from domain.budget import Limits, LimitsOverride, Pool, Spend
    from domain.run import AgentRequest, Came
    from domain.runs import Outcome, RunRequest

__all__ = ["NO_ROOM", "Child", "Children"]

# How the reason of a run begins that was not started, and not of one that reached its own limit.
NO_ROOM = "the budget has no room"


class Children:
    """Runs agents below a run, isolated from each other.

    A share, the most that a run may use, is reserved before it starts and settled when it has
    ended, so all together never pass the budget, however many run at once.

    Attributes:
        running: Ids of those under way.
    """

    def __init__(self, run: Conducted[Any], request: RunRequest, parallel: int) -> None:
        self._run = run
        self._request = request
        self._slots = asyncio.Semaphore(parallel)
        self._pool = Pool(request.tokens, request.cost_usd, used=run.memory.spend)
        self.running: list[str] = []

    async def run(self, child: Child) -> Came:
        """Run `child` once there is a place and room in the budget; return what it came to.

        Without room, now and after all others have ended, it is not started: `limit`.
        """
        try:
            share = await self._share(child)
        except RefusedError as refusal:
            return self._not_started(child, Outcome.REJECTED, str(refusal))
        async with self._slots:
            await workflow.wait_condition(lambda: self._pool.fits(share) or not self._pool.reserved)
            if not self._pool.reserve(share):
                why = f"{NO_ROOM} for its share of {share.tokens:,} tokens"
                return self._not_started(child, Outcome.LIMIT, why)
            return await self._within(child, share)

    async def _within(self, child: Child, share: Limits) -> Came:
        """Run it, and settle what it used; one that is cancelled is charged all of it."""
        self.running.append(child.id)
        used: Spend | None = None
        try:
            came = await run_child(child, self._asked(child, share), share)
            used = came.spend
        finally:
            self.running.remove(child.id)
            self._pool.settle(share, used)
        self._run.memory.spend = self._run.memory.spend.joined(came.spend)
        self._run.memory.model = came.model or self._run.memory.model
        alert_of_several(self._run.memory, self._request.budget)
        self._run.memory.taint(came.tainted)
        return came

    async def _share(self, child: Child) -> Limits:
        limits = (await self._run.resolve(child.agent)).limits
        for override in (self._request.limits, child.limits):
            limits = override.over(limits) if override else limits
        return limits

    def _asked(self, child: Child, share: Limits) -> AgentRequest:
        asked = AgentRequest(
            agent=child.agent,
            task=child.text,
            limits=LimitsOverride(**share.model_dump()),
            tenant=self._request.tenant,
            by=self._request.by,
            dry_run=self._request.dry_run,
            lineage=lineage_of(self._run.memory.lineage, child),
            depth=1,
        )
        more: dict[str, object] = {}
        if child.data:
            more["data"] = dict(child.data)
        if self._run.memory.tainted:
            more["tainted"] = tuple(self._run.memory.tainted)
        if child.answer_schema is not None:
            more["answer_schema"] = child.answer_schema
        return asked.model_copy(update=more) if more else asked

    def _not_started(self, child: Child, outcome: Outcome, reason: str) -> Came:
        run_id = f"{workflow.info().workflow_id}/{child.id}"
        return Came(id=child.id, run_id=run_id, agent=child.agent, outcome=outcome, reason=reason)
