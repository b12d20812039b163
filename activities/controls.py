"""What every attempt passes before anything leaves the house: halts, pauses, breakers.

A control that refuses raises the typed failure of `refusal`: nothing was sent, and the workflow
knows by the type what to do instead. After an attempt that was let through, each control is told
how it went.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol

import structlog
from opentelemetry import trace
from temporalio.exceptions import ApplicationError

from domain.acting import TOOL_TRANSIENT, TOOL_UNAVAILABLE
from domain.breaker import BreakerPolicy
from domain.refused import Refused
from domain.thinking import PROVIDER_ERROR

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Attempt:
    """One attempt that is about to be made.

    Attributes:
        kind: Of a model or of a tool.
        name: The tool's name, or the provider's.
        number: Of the attempt, from 1.
        agent: Whose run it is, where the activity is told.
        tenant: The same.
        breaker: The declared policy; None for no breaker.
        sent: An earlier attempt of this write may have had an effect.
        notes: What a control wants to know again when the attempt has been made.
    """

    kind: Literal["model", "tool"]
    name: str
    run_id: str
    number: int = 1
    agent: str = ""
    tenant: str = ""
    breaker: BreakerPolicy | None = None
    sent: bool = False
    notes: dict[str, object] = field(default_factory=dict[str, object], compare=False)

    @property
    def key(self) -> str:
        """What breakers and pauses are kept under: `llm.openai`, `tool.search`."""
        return f"{'llm' if self.kind == 'model' else 'tool'}.{self.name}"


@dataclass(frozen=True)
class Went:
    """How an attempt went.

    Attributes:
        answered: The other side answered, if only with a refusal. Otherwise it was not there: a
            timeout, a broken connection, a 5xx.
        retry_after: How long it asked to be left alone; such an attempt counts as no failure.
        reason: Of a failure, in one line.
    """

    answered: bool
    retry_after: timedelta | None = None
    reason: str = ""


ANSWERED = Went(answered=True)


class Control(Protocol):
    """One thing that can hold attempts back; implemented in runtime/."""

    async def before(self, attempt: Attempt) -> None:
        """Let the attempt through, or raise `refusal(...)`."""
        ...

    async def after(self, attempt: Attempt, went: Went) -> None:
        """Take note of how an attempt went that was let through."""
        ...


class Controls:
    """All of them, asked in order: the first that refuses decides."""

    def __init__(self, controls: Sequence[Control] = ()) -> None:
        self._controls = tuple(controls)

    async def before(self, attempt: Attempt) -> None:
        """Ask them all.

        Raises:
            ApplicationError: What the first that refuses says; nothing may be sent. Where one
                cannot be asked (the database is away) nothing is sent either, and the attempt
                is one that failed.
        """
        for control in self._controls:
            try:
                await control.before(attempt)
            except ApplicationError:
                raise
            except Exception as error:  # noqa: BLE001 - a database's, whatever its driver raises
                raise _unasked(attempt, error) from None

    async def after(self, attempt: Attempt, went: Went) -> None:
        """Tell them all. One that cannot be told changes nothing of what the attempt came to."""
        for control in self._controls:
            try:
                await control.after(attempt, went)
            except Exception as error:  # noqa: BLE001 - a write has happened, whatever this is
                _log.warning("not noted", attempt=attempt.key, error=type(error).__name__)


def _unasked(attempt: Attempt, error: Exception) -> ApplicationError:
    kind = TOOL_UNAVAILABLE if attempt.kind == "tool" else PROVIDER_ERROR
    if attempt.sent:
        kind = TOOL_TRANSIENT
    return ApplicationError(
        f"{attempt.name}: it could not be looked up whether it may be called now "
        f"({type(error).__name__}); nothing was sent",
        type=kind,
    )


def mark(name: str, value: str | float) -> None:
    """Put what held an attempt back on its activity's span."""
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attribute(f"holdfast.{name}", value)


def refusal(
    kind: str, reason: str, attempt: Attempt, wait: timedelta | None = None
) -> ApplicationError:
    """Return the failure for an attempt that is not made; what follows is the workflow's to say.

    Args:
        kind: The failure's type, a name of domain/refused.py.
        reason: What a person reads.
        attempt: The one that is refused; those before it may have sent something.
        wait: How long it makes no sense to ask again, where that is known.
    """
    told = Refused(
        reason=reason,
        wait_s=wait.total_seconds() if wait else 0,
        before=attempt.number - 1,
        sent=attempt.sent,
    )
    return ApplicationError(reason, told.model_dump(mode="json"), type=kind, non_retryable=True)
