"""The kill switch: what an operator has stopped makes no further attempt.

It is read anew at each attempt, so a halt holds from the moment that it is written: no worker
need be told, and none forgets it. An attempt that has passed is let end.
"""

from collections.abc import Sequence
from typing import Protocol

from opentelemetry import trace
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.controls import Attempt, Went
from domain.halts import HALTED, Concerned, Halt, Standing, keys, told
from domain.refused import Refused


class Halts(Protocol):
    """Where halts are kept; shared by all workers, and the same after a restart."""

    async def standing(self, keys: Sequence[str]) -> tuple[Halt, ...]:
        """Return the halts under any of `keys` that have not been lifted, the first first."""
        ...


class HaltControl:
    """Holds back every attempt that a halt concerns."""

    def __init__(self, halts: Halts) -> None:
        self._halts = halts

    async def before(self, attempt: Attempt) -> None:
        """Let the attempt through unless it is halted.

        Raises:
            ApplicationError: `Halted`, non-retryable, with the halts: nothing was sent by this
                attempt, and the run waits until they are lifted.
        """
        whose = Concerned(run_id=attempt.run_id, agent=attempt.agent, tenant=attempt.tenant)
        standing = await self._halts.standing(keys(whose))
        if standing:
            _trace(standing)
            raise halted(standing, attempt)

    async def after(self, attempt: Attempt, went: Went) -> None:
        """Take no note of how attempts went."""


class HaltActivities:
    """What a halted run asks by itself, should nobody have told it that it may go on."""

    def __init__(self, halts: Halts) -> None:
        self._halts = halts

    @activity.defn(name="halts.standing")
    async def standing(self, concerned: Concerned) -> Standing:
        """Return the halts that concern a run. Idempotent: it only looks."""
        return Standing(halts=await self._halts.standing(keys(concerned)))


def halted(halts: tuple[Halt, ...], attempt: Attempt) -> ApplicationError:
    """Return the failure of an attempt that is not made because of `halts`."""
    refused = Refused(reason=told(halts), before=attempt.number - 1, sent=attempt.sent)
    return ApplicationError(
        told(halts),
        refused.model_dump(mode="json"),
        Standing(halts=halts).model_dump(mode="json"),
        type=HALTED,
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,  # as it should be: no warning in the log
    )


def _trace(halts: tuple[Halt, ...]) -> None:
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attribute("holdfast.halted_by", tuple(halt.scope for halt in halts))
