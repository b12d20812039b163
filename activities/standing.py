"""Standing approvals as a run sees them: one use for one call, by its key."""

from typing import Protocol

from temporalio import activity

from domain.standing import Standing, Taken, TakeRequest, WhichRequest


class StandingApprovals(Protocol):
    """Where they are kept."""

    async def take(self, request: TakeRequest) -> Taken:
        """Take one use for a call; the same key again takes none."""
        ...

    async def covering(self, tenant: str, agent: str, tool: str) -> Standing | None:
        """Return one that has uses left, None where there is none."""
        ...


class StandingActivities:
    """Idempotent: a call's key takes one use at most, in all attempts, replays and resumes."""

    def __init__(self, standing: StandingApprovals) -> None:
        self._standing = standing

    @activity.defn(name="standing.take")
    async def take(self, request: TakeRequest) -> Taken:
        """Take one use for a call, or say that nothing covers it."""
        return await self._standing.take(request)

    @activity.defn(name="standing.which")
    async def which(self, request: WhichRequest) -> Taken:
        """Say whether a standing approval has uses left, and whose it is; takes none."""
        found = await self._standing.covering(request.tenant, request.agent, request.tool)
        return Taken(id=found.id, by=found.by, reason=found.reason) if found else Taken()
