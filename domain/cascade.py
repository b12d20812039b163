"""The breaker of a whole run: so many attempts failed that another one is not worth making."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import Field

from domain.contract import Contract


class CascadePolicy(Contract):
    """When a run whose attempts keep failing stands still, and a person decides.

    Attributes:
        failures: This many failed attempts, of models and tools together, stop the run.
        window_s: Seconds that a failed attempt counts.
    """

    failures: int = Field(default=40, ge=1)
    window_s: float = Field(default=300, gt=0)


class Trouble(Contract):
    """Attempts of one call that failed, whatever became of the call."""

    step: str
    count: int
    at: datetime


def recent(
    troubles: Sequence[Trouble], policy: CascadePolicy, now: datetime
) -> tuple[Trouble, ...]:
    """Return the troubles that still count."""
    since = now - timedelta(seconds=policy.window_s)
    return tuple(trouble for trouble in troubles if trouble.at > since)


def cascade(troubles: Sequence[Trouble], policy: CascadePolicy, now: datetime) -> str:
    """Return why the run must stand still; nothing while it may go on."""
    counted: dict[str, int] = {}
    for trouble in recent(troubles, policy, now):
        counted[trouble.step] = counted.get(trouble.step, 0) + trouble.count
    total = sum(counted.values())
    if total < policy.failures:
        return ""
    steps = ", ".join(
        f"{step} {count}" for step, count in sorted(counted.items(), key=lambda item: -item[1])
    )
    return (
        f"{total} attempts of this run have failed within {policy.window_s:g} s ({steps}); "
        f"it stands still before it makes more"
    )
