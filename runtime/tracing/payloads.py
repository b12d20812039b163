"""What a history's events hold, decoded: through the codec and from the database where need be."""

from typing import Any, TypeVar, cast

from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import BaseModel, ValidationError
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    TimeoutError,
)

_Model = TypeVar("_Model", bound=BaseModel)


def moment(timestamp: Timestamp) -> int:
    """Return nanoseconds since 1970."""
    return timestamp.seconds * 1_000_000_000 + timestamp.nanos


def when(event: HistoryEvent) -> int:
    """Return when an event was written, in nanoseconds since 1970."""
    return moment(event.event_time)


def as_object(value: Any) -> dict[str, Any]:
    """Return a JSON object; an empty one in the place of anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


class Payloader:
    """Decodes with the converter that the runs were written with."""

    def __init__(self, converter: DataConverter) -> None:
        self._converter = converter

    async def first(self, payloads: Payloads) -> Any:
        """Return the first of `payloads` as JSON types, None where there is none."""
        if not payloads.payloads:
            return None
        return (await self._converter.decode(payloads.payloads[:1]))[0]

    async def typed(self, payloads: Payloads, model: type[_Model]) -> _Model | None:
        """Return the first of `payloads` as a contract; None where it is something else."""
        try:
            return model.model_validate(await self.first(payloads) or {})
        except ValidationError:
            return None

    async def text(self, payload: Payload) -> str:
        """Return one payload's text, for example a timer's summary; nothing where it has none."""
        if not payload.data:
            return ""
        return str((await self._converter.decode([payload]))[0])

    async def failure(self, failure: Failure) -> tuple[str, str]:
        """Return type and message of a failure's cause."""
        copy = Failure()
        copy.CopyFrom(failure)
        error: BaseException = await self._converter.decode_failure(copy)
        while isinstance(error, ActivityError | ChildWorkflowError) and error.__cause__:
            error = error.__cause__
        if isinstance(error, ApplicationError):
            return error.type or "ApplicationError", error.message
        if isinstance(error, TimeoutError):
            kind = error.type.name.lower() if error.type else "timeout"
            return f"timeout.{kind}", str(error)
        return type(error).__name__, str(error)
