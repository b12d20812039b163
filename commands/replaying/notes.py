"""What the code of this checkout does while a history is replayed, written down.

A replay alone says that a history does not fit, in the words of the SDK's core. What the code asked
for instead, which recorded value it could not read and what it raised is known here.
"""

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from pydantic import ValidationError
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter, PayloadConverter
from temporalio.worker import (
    ContinueAsNewInput,
    Interceptor,
    StartActivityInput,
    StartChildWorkflowInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from commands.errors import invalid, one_line
from domain.activity import Resolved
from domain.run import AgentRequest
from domain.spec import AgentSpec
from workflows import FAILURES

# The last thing that a run does: an exception that is being handled then is what ends it.
_LAST: Final = "runs.put"


@dataclass(frozen=True)
class Asked:
    """Something that the code asked the server or its worker for.

    Attributes:
        kind: `activity`, `check` (a local activity) or `run` (a run below).
    """

    kind: str
    name: str

    def __str__(self) -> str:
        """Return it as people read it."""
        return f"the run below {self.name!r}" if self.kind == "run" else f"{self.kind} {self.name}"


@dataclass
class Notes:
    """What was seen during one replay.

    Attributes:
        asked: What the code asked for, in order.
        unread: Recorded values that the code cannot read, and why.
        raised: Exceptions for which the run was being closed as failed.
        specs: Agents' specs that the run holds, by name.
    """

    asked: list[Asked] = field(default_factory=list[Asked])
    unread: list[str] = field(default_factory=list[str])
    raised: list[str] = field(default_factory=list[str])
    specs: dict[str, AgentSpec] = field(default_factory=dict[str, AgentSpec])

    def clear(self) -> None:
        """Forget everything, for the next history."""
        for each in (self.asked, self.unread, self.raised, self.specs):
            each.clear()

    def ask(self, kind: str, name: str) -> None:
        """Note a request; where it is a run's last, also the exception that the run ends for."""
        self.asked.append(Asked(kind, name))
        error = sys.exc_info()[1]
        if name == _LAST and isinstance(error, tuple(FAILURES)):
            self.raised.append(f"{type(error).__name__}: {one_line(str(error))}")

    def read(self, value: object) -> None:
        """Keep the specs in a recorded value."""
        match value:
            case Resolved(spec=AgentSpec() as spec):
                self.specs[spec.name] = spec
            case AgentRequest(state=state) if state is not None and state.spec is not None:
                self.specs[state.spec.name] = state.spec
            case _:
                pass


def noting(notes: Notes, converter: DataConverter) -> DataConverter:
    """Return `converter`, which notes what it reads and what it cannot read."""
    inner = converter.payload_converter_class()

    class Noting(PayloadConverter):
        """The project's converter, overheard."""

        def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
            return inner.to_payloads(values)

        def from_payloads(
            self, payloads: Sequence[Payload], type_hints: list[type] | None = None
        ) -> list[Any]:
            try:
                found = inner.from_payloads(payloads, type_hints)
            except Exception as error:
                notes.unread.append(_unread(type_hints, error))
                raise
            for value in found:
                notes.read(value)
            return found

    return dataclasses.replace(converter, payload_converter_class=Noting)


def _unread(hints: list[type] | None, error: Exception) -> str:
    name = getattr(hints[0], "__name__", str(hints[0])) if hints else "a value"
    cause = error.__cause__ if isinstance(error.__cause__, ValidationError) else error
    return (
        f"{name}: {invalid(cause) if isinstance(cause, ValidationError) else one_line(str(cause))}"
    )


def overhearing(notes: Notes) -> Interceptor:
    """Return an interceptor that notes what workflow code asks for and raises."""

    class Outbound(WorkflowOutboundInterceptor):
        """What goes out. Noted when it has: a run that is thrown away asks in vain."""

        def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
            made = super().start_activity(input)
            notes.ask("activity", input.activity)
            return made

        def start_local_activity(
            self, input: StartLocalActivityInput
        ) -> workflow.ActivityHandle[Any]:
            made = super().start_local_activity(input)
            notes.ask("check", input.activity)
            return made

        async def start_child_workflow(
            self, input: StartChildWorkflowInput
        ) -> workflow.ChildWorkflowHandle[Any, Any]:
            notes.ask("run", input.id)
            return await super().start_child_workflow(input)

        def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:
            notes.ask("run", workflow.info().workflow_id)
            super().continue_as_new(input)

    class Inbound(WorkflowInboundInterceptor):
        """Puts the other one in."""

        def init(self, outbound: WorkflowOutboundInterceptor) -> None:
            super().init(Outbound(outbound))

    class Overhearing(Interceptor):
        """Both."""

        def workflow_interceptor_class(
            self, input: WorkflowInterceptorClassInput
        ) -> type[WorkflowInboundInterceptor]:
            return Inbound

    return Overhearing()
