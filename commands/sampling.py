"""The schedule that draws decisions for review once a day, and drawing them now."""

from dataclasses import dataclass
from typing import Final

from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from commands.errors import Misuse
from commands.session import Session
from domain.sampling import SamplingRequest

SAMPLING_WORKFLOW: Final = "SamplingWorkflow"
# Ten minutes into the next day: whatever was decided at midnight is written down by then.
AT: Final = "00:10"


@dataclass(frozen=True)
class Daily:
    """When the schedule draws, and how many."""

    tenant: str
    size: int
    at: str = AT

    @property
    def id(self) -> str:
        """One schedule a tenant."""
        return f"holdfast-sampling-{self.tenant}"

    @property
    def cron(self) -> str:
        """The time of day as a schedule has it.

        Raises:
            Misuse: It is none.
        """
        hour, colon, minute = self.at.partition(":")
        if not (colon and hour.isdigit() and minute.isdigit()):
            raise Misuse(f"--at {self.at!r}: expected a time like 00:10, in UTC")
        if int(hour) > 23 or int(minute) > 59:  # noqa: PLR2004 - a day's hours and minutes
            raise Misuse(f"--at {self.at!r}: a day goes from 00:00 to 23:59")
        return f"{int(minute)} {int(hour)} * * *"

    def schedule(self, task_queue: str) -> Schedule:
        """Return the schedule."""
        return Schedule(
            action=ScheduleActionStartWorkflow(
                SAMPLING_WORKFLOW,
                SamplingRequest(tenant=self.tenant, size=self.size, by="the schedule"),
                id=f"sampling-{self.tenant}",
                task_queue=task_queue,
            ),
            spec=ScheduleSpec(cron_expressions=[self.cron]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE),
        )


async def ensure(session: Session, daily: Daily) -> bool:
    """Make the schedule where there is none; True if it was made."""
    try:
        await session.client.create_schedule(daily.id, daily.schedule(session.settings.task_queue))
    except ScheduleAlreadyRunningError:
        return False
    return True


async def change(session: Session, daily: Daily) -> None:
    """Make the schedule, or give the one that is there another time or size."""
    if await ensure(session, daily):
        return
    wanted = daily.schedule(session.settings.task_queue)

    def updated(_: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(wanted)

    await session.client.get_schedule_handle(daily.id).update(updated)
