"""A run as a task: its state, its answer, and what it waits for, in the protocol's words."""

from typing import Any, Final, cast

from a2a.helpers import new_data_part, new_text_message, new_text_part
from a2a.types.a2a_pb2 import (
    Artifact,
    Message,
    Part,
    Role,
    Task,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)
from a2a.utils.errors import ContentTypeNotSupportedError, InvalidParamsError
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from domain.contract import canonical
from domain.door import RunEnd, RunView
from domain.run import Outcome

ENDED: Final[dict[str, TaskState]] = {
    Outcome.COMPLETED: TaskState.TASK_STATE_COMPLETED,
    Outcome.REJECTED: TaskState.TASK_STATE_REJECTED,
    Outcome.CANCELLED: TaskState.TASK_STATE_CANCELED,
    Outcome.ABORTED: TaskState.TASK_STATE_CANCELED,
}
_BEGINNING: Final = frozenset({"", "INTAKE"})
_ANSWER: Final = "answer"


def words(message: Message) -> str:
    """Return a message's parts as a task for an agent: texts as they are, data as JSON.

    Raises:
        ContentTypeNotSupportedError: A part is a file.
    """
    return "\n".join(_word(part) for part in message.parts)


def _word(part: Part) -> str:
    match part.WhichOneof("content"):
        case "text":
            return part.text
        case "data":
            return canonical(_whole(MessageToDict(part.data))).decode()
        case _:
            raise ContentTypeNotSupportedError(
                "a part is a file; send text or data: what an agent reads lies where its tools are"
            )


def _whole(value: Any) -> Any:
    """Return JSON with whole numbers as such: the protocol keeps every number as a float."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(inner) for name, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in cast("list[Any]", value)]
    return value


def data(message: Message, name: str) -> dict[str, str]:
    """Return the run's inputs, which a message carries in its metadata under `name`.

    Raises:
        InvalidParamsError: They are not an object of texts.
    """
    given: object = MessageToDict(message.metadata).get(name) or {}
    if not isinstance(given, dict):
        raise InvalidParamsError(f"metadata.{name}: expected an object of texts")
    found = cast("dict[str, object]", given)
    wrong = sorted(key for key, value in found.items() if not isinstance(value, str))
    if wrong:
        raise InvalidParamsError(f"metadata.{name}.{wrong[0]}: expected a text")
    return {key: str(value) for key, value in found.items()}


def under_way(view: RunView, context: str) -> Task:
    """Return a run that has not ended."""
    return Task(
        id=view.run_id,
        context_id=context,
        status=status(view.run_id, context, state_of(view), asks(view)),
        metadata=_struct({"state": view.state, "cost_usd": view.cost_usd}),
    )


def ended(end: RunEnd, context: str, *, artifacts: bool = True) -> Task:
    """Return a run that has ended, with its answer as an artifact."""
    return Task(
        id=end.run_id,
        context_id=context,
        status=status(end.run_id, context, end_state(end.outcome), reason(end)),
        artifacts=[made] if artifacts and (made := artifact(end)) else [],
        metadata=_struct(_facts(end)),
    )


def state_of(view: RunView) -> TaskState:
    """Return the protocol's state of a run that is under way."""
    if view.waits:
        return TaskState.TASK_STATE_INPUT_REQUIRED
    if view.state in _BEGINNING:
        return TaskState.TASK_STATE_SUBMITTED
    return TaskState.TASK_STATE_WORKING


def end_state(outcome: str) -> TaskState:
    """Return the protocol's state for an outcome; a limit that was reached is a failure to it."""
    return ENDED.get(outcome, TaskState.TASK_STATE_FAILED)


def asks(view: RunView) -> str:
    """Return what a run waits for, and that it is not the caller's to say."""
    said = view.said
    if view.waits == "answer":
        title = str((said.question or {}).get("title", "")) if said else ""
        return waiting(title)
    if view.waits == "repair":
        return stopped(said.stop.reason if said and said.stop else "")
    return ""


def waiting(title: str) -> str:
    """Say that a person must decide."""
    what = f": {title}" if title else ""
    return f"A person must decide{what}. They do so in Holdfast; a message here is no answer."


def stopped(why: str) -> str:
    """Say that a person must mend something."""
    what = f": {why}" if why else ""
    return f"The run is stopped until a person mends what it needs{what}."


def reason(end: RunEnd) -> str:
    """Return why a run ended otherwise than well, and what it left undone."""
    result = end.result or {}
    undone = [f"not done: {each}" for each in result.get("not_done") or ()]
    parts = [end.failure or str(result.get("reason") or ""), *undone]
    return "\n".join(part for part in parts if part)


def artifact(end: RunEnd) -> Artifact | None:
    """Return a run's answer; None where it has none."""
    answer = (end.result or {}).get("answer")
    if answer is None:
        return None
    part = new_text_part(answer) if isinstance(answer, str) else new_data_part(answer)
    return Artifact(artifact_id=_ANSWER, name=_ANSWER, parts=[part])


def status(run_id: str, context: str, state: TaskState, text: str = "") -> TaskStatus:
    """Return a status of now."""
    now = Timestamp()
    now.GetCurrentTime()
    if not text:
        return TaskStatus(state=state, timestamp=now)
    message = new_text_message(text, context_id=context, task_id=run_id, role=Role.ROLE_AGENT)
    return TaskStatus(state=state, message=message, timestamp=now)


def status_event(
    run_id: str,
    context: str,
    state: TaskState,
    text: str = "",
    told: dict[str, Any] | None = None,
) -> TaskStatusUpdateEvent:
    """Return news of a task's state; `told` is what Holdfast's own event said."""
    return TaskStatusUpdateEvent(
        task_id=run_id,
        context_id=context,
        status=status(run_id, context, state, text),
        metadata=_struct(told or {}),
    )


def artifact_event(end: RunEnd, context: str) -> TaskArtifactUpdateEvent | None:
    """Return news of a task's answer; None where it has none."""
    made = artifact(end)
    if made is None:
        return None
    return TaskArtifactUpdateEvent(
        task_id=end.run_id, context_id=context, artifact=made, last_chunk=True
    )


def _facts(end: RunEnd) -> dict[str, Any]:
    result = end.result or {}
    spend: dict[str, Any] = result.get("spend") or {}
    return {
        "outcome": end.outcome,
        "model": str(result.get("model") or ""),
        "cost_usd": float(spend.get("cost_usd") or 0),
    }


def _struct(fields: dict[str, Any]) -> Struct:
    return ParseDict(fields, Struct())
