"""What was said to a run from outside, as the server recorded it: when, by which client, what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter

from commands import history
from domain.approval import Decision

SIGNALS: Final = frozenset({"approve", "reject", "modify", "retry", "skip", "abort"})
UPDATES: Final = frozenset({"decide", "unstop"})
_PERSONS: Final = frozenset({"approve", "reject", "modify"})


@dataclass(frozen=True)
class Heard:
    """A signal or an update.

    Attributes:
        event: Its number in the history of its execution.
        way: `signal` or `update`.
        verdict: `approve`, `retry` and so on; what an update's sender wrote, which may be nothing.
        identity: The client that sent it, as the server recorded it; some send none.
        by: Who it is from, as they claim.
        approval_id: The question that they meant, where they said so.
        reason: Why, as they wrote it.
    """

    at: datetime
    event: int
    way: str
    verdict: str
    identity: str
    by: str = ""
    approval_id: str = ""
    reason: str = ""


async def heard(converter: DataConverter, events: Iterable[HistoryEvent]) -> list[Heard]:
    """Return what was said to an execution, in order."""
    return [
        found
        for event in events
        if (found := await _signal(converter, event) or await _update(converter, event))
    ]


async def _signal(converter: DataConverter, event: HistoryEvent) -> Heard | None:
    if event.event_type != EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
        return None
    signal = event.workflow_execution_signaled_event_attributes
    if signal.signal_name not in SIGNALS:
        return None
    said = await _said(converter, signal.input)
    return _heard(event, "signal", signal.signal_name, signal.identity, said)


async def _update(converter: DataConverter, event: HistoryEvent) -> Heard | None:
    if event.event_type != EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
        return None
    update = event.workflow_execution_update_accepted_event_attributes.accepted_request
    if update.input.name not in UPDATES:
        return None
    said = await _said(converter, update.input.args)
    return _heard(event, "update", _text(said, "verdict"), update.meta.identity, said)


def _heard(
    event: HistoryEvent, way: str, verdict: str, identity: str, said: dict[str, Any]
) -> Heard:
    return Heard(
        at=event.event_time.ToDatetime(tzinfo=UTC),
        event=event.event_id,
        way=way,
        verdict=verdict,
        identity=identity,
        by=_text(said, "by"),
        approval_id=_text(said, "approval_id"),
        reason=_text(said, "reason"),
    )


async def _said(converter: DataConverter, payloads: Payloads) -> dict[str, Any]:
    """Return what was sent, where it is an object; a signal can bring anything."""
    found = await history.decoded(converter, payloads)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name, "")
    return value if isinstance(value, str) else ""


def senders(decisions: Sequence[Decision], said: Sequence[Heard]) -> list[Heard | None]:
    """Return for each decision the signal or update that it is made of; None: nobody's.

    A decision keeps what its sender claims and when it counted; who the server says it was is in
    the event. The event that is nearest in time of those with the same verdict, name and reason is
    it, and no event makes two decisions.
    """
    left = list(said)
    found: list[Heard | None] = []
    for made in decisions:
        fits = [each for each in left if made.verdict in _PERSONS and _fits(made, each)]
        nearest = min(fits, key=lambda each: abs(each.at - made.at), default=None)
        if nearest is not None:
            left.remove(nearest)
        found.append(nearest)
    return found


def _fits(made: Decision, said: Heard) -> bool:
    meant = said.approval_id in {"", made.approval_id}
    same = (said.verdict, said.by, said.reason) == (made.verdict, made.by, made.reason)
    return meant and same
