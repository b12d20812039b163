"""Recorded histories, walked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter

from runtime.storage import ContractPayloadConverter
from runtime.tracing.content import Redact
from runtime.tracing.family import Family
from runtime.tracing.payloads import Payloader
from runtime.tracing.span import Told
from runtime.tracing.walker import Walker

_RECORDED = Path(__file__).parent.parent / "replay"
PAYLOADS = Payloader(DataConverter(payload_converter_class=ContractPayloadConverter))


@cache
def recorded(case: str) -> list[HistoryEvent]:
    """Return the events of a recorded history, for example `agent/approval`."""
    text = (_RECORDED / f"{case}.json").read_text(encoding="utf-8")
    return list(WorkflowHistory.from_json("recorded", text).events)


def run_id_of(events: Sequence[HistoryEvent]) -> str:
    """Return the id of the execution that events are of."""
    return events[0].workflow_execution_started_event_attributes.original_execution_run_id


@dataclass
class Server:
    """Knows the first events of executions."""

    first: dict[str, HistoryEvent] = field(default_factory=dict[str, HistoryEvent])
    looked: list[str] = field(default_factory=list[str])

    async def look(self, _workflow_id: str, run_id: str) -> HistoryEvent | None:
        """Return the first event of an execution."""
        self.looked.append(run_id)
        return self.first.get(run_id)


async def walker_of(
    events: Sequence[HistoryEvent], redact: Redact = str, *, content: bool = False
) -> Walker:
    """Return a walker for a history that it has not walked yet."""
    run_id = run_id_of(events)
    family = Family(Server({run_id: events[0]}).look, PAYLOADS)
    standing = await family.standing("recorded", run_id)
    assert standing is not None
    return Walker(standing, PAYLOADS, redact, content=content)


async def walked(
    case: str | Sequence[HistoryEvent], redact: Redact = str, *, content: bool = False
) -> list[Told]:
    """Return the spans of a history."""
    events = recorded(case) if isinstance(case, str) else case
    walker = await walker_of(events, redact, content=content)
    await walker.take(events)
    return walker.told


def named(told: Sequence[Told], name: str) -> list[Told]:
    """Return the spans of a name, in order."""
    return [span for span in told if span.name == name]


def one(told: Sequence[Told], name: str) -> Told:
    """Return the only span of a name."""
    (found,) = named(told, name)
    return found


def above(told: Sequence[Told], span: Told) -> str:
    """Return the name of the span above one; nothing for a root."""
    return next((each.name for each in told if each.id == span.parent), "")
