"""One tenant's runs: another's are not there, whatever is asked about them."""

from dataclasses import dataclass

from temporalio.client import WorkflowExecutionDescription

from commands import reading
from commands.errors import CommandError
from commands.kinds import of_type
from commands.refusals import NotCounted, UnknownRun
from commands.session import Session
from domain.access import FLEET
from runtime.runs import Run, Runs


@dataclass(frozen=True)
class Tenancy:
    """What one tenant may look at.

    Attributes:
        tenant: Every operation sees this tenant's runs and no others; `FLEET`: all.
    """

    session: Session
    tenant: str = "default"

    def sees(self, tenant: str) -> bool:
        """Whether a tenant's runs are there for this one; an operator of the fleet sees all."""
        return self.tenant in {tenant, FLEET}

    async def described(self, run_id: str) -> WorkflowExecutionDescription:
        """Return what the server knows of a run.

        Raises:
            UnknownRun: There is none, it is another tenant's, or nothing of ours.
        """
        try:
            found = await reading.described(self.session, run_id)
        except CommandError:
            raise UnknownRun(run_id) from None
        listed = reading.listed(found)
        if not self.sees(listed.tenant) or of_type(listed.workflow) is None:
            raise UnknownRun(run_id)
        return found

    async def kept(self, run_id: str) -> Run | None:
        """Return what the database has kept of a run, None where that is nothing."""
        kept = await Runs(self.session.database).get(run_id)
        return kept if kept is not None and self.sees(kept.tenant) else None

    async def need_kept(self, run_id: str) -> Run:
        """Return what the database has kept of a closed run.

        Raises:
            UnknownRun: That is nothing.
        """
        kept = await self.kept(run_id)
        if kept is None or kept.result is None:
            raise UnknownRun(run_id)
        return kept

    async def need(self, run_id: str) -> None:
        """Refuse a run that neither the server nor the database knows.

        Raises:
            UnknownRun: There is no such run.
        """
        try:
            await self.described(run_id)
        except UnknownRun:
            await self.need_kept(run_id)

    async def need_open(self, run_id: str) -> None:
        """Refuse where nothing can be said to a run any more.

        Raises:
            UnknownRun: There is no such run.
            NotCounted: It has closed.
        """
        try:
            found = await self.described(run_id)
        except UnknownRun:
            await self.need_kept(run_id)
            closed = True
        else:
            closed = found.close_time is not None
        if closed:
            raise NotCounted(f"run {run_id!r} has closed; nothing was changed")
