"""One agent in the A2A protocol: a message starts a run, and the run is the task.

It keeps no state: a task's id is its run's, and a message's id is the start's idempotency key, so
any number of copies serve. What a run asks of a person cannot be answered here.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NoReturn

import structlog
from a2a.server.context import ServerCallContext
from a2a.server.request_handlers.request_handler import RequestHandler
from a2a.types.a2a_pb2 import (
    AgentCard,
    CancelTaskRequest,
    DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest,
    GetTaskPushNotificationConfigRequest,
    GetTaskRequest,
    ListTaskPushNotificationConfigsRequest,
    ListTaskPushNotificationConfigsResponse,
    ListTasksRequest,
    ListTasksResponse,
    Message,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
    TaskPushNotificationConfig,
    TaskState,
)
from a2a.utils.errors import (
    A2AError,
    ExtendedAgentCardNotConfiguredError,
    InternalError,
    InvalidParamsError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from a2a.utils.proto_utils import validate_proto_required_fields
from google.protobuf.message import Message as ProtoMessage

from commands.a2a import cards, tasks
from commands.a2a.news import News, Update
from commands.doors import Door
from commands.errors import CommandError, explain
from commands.refusals import KeyReused, NotCounted, UnfitInput, UnknownRun
from domain.access import Scope
from domain.contract import digest
from domain.door import RunView
from domain.spec import AgentSpec
from runtime.key_values import KeyValues

WORKFLOW: Final = "agent"
MOST_WAIT_S: Final = 600.0
_LOOK_S: Final = 1.0
_CANCEL_S: Final = 10.0
_MOST_CONTEXT: Final = 200
_log = structlog.stdlib.get_logger(__name__)

DoorFor = Callable[[ServerCallContext, Scope, str], Door]


@dataclass(frozen=True)
class _Begun:
    door: Door
    run_id: str
    context: str
    at: datetime


class AgentTasks(RequestHandler):
    """An agent's tasks.

    Args:
        spec: The agent.
        door: Returns the caller's door, if their token has the scope and may start that workflow.
        stopping: Set when the service is asked to end.
    """

    def __init__(self, spec: AgentSpec, door: DoorFor, stopping: asyncio.Event) -> None:
        self._spec = spec
        self._door = door
        self._stopping = stopping

    # --- starting

    async def on_message_send(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> Task | Message:
        """Start a run; return it when it has ended or waits for a person, or at once."""
        with _told(params):
            begun = await self._begin(params, context)
            if params.configuration.return_immediately:
                return await self._task(begun.door, begun.run_id)
            return await self._settled(begun)

    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Task | Update]:
        """Start a run and tell what happens, until it has ended or waits for a person."""
        with _told(params):
            begun = await self._begin(params, context)
            yield await self._task(begun.door, begun.run_id)
            news = News(begun.door, begun.run_id, begun.context, begun.at, self._stopping)
            async for update in news.updates():
                yield update

    async def _begin(self, params: SendMessageRequest, context: ServerCallContext) -> _Begun:
        message, now = params.message, datetime.now(UTC)
        if params.configuration.HasField("task_push_notification_config"):
            raise PushNotificationNotSupportedError
        door = self._door(context, "start", WORKFLOW)
        if message.task_id:
            await self._refuse_more(message)
        data = tasks.data(message, cards.DATA)
        if len(message.context_id) > _MOST_CONTEXT:
            raise InvalidParamsError(f"contextId: expected at most {_MOST_CONTEXT} characters")
        key = f"a2a {digest(self._spec.name, message.message_id)}"
        started = await door.start_agent(self._spec.name, tasks.words(message), key, data)
        kept = KeyValues(door.session.database)
        if message.context_id and started.new:
            await kept.put(_place(started.run_id), message.context_id)
        return _Begun(door, started.run_id, await self._context(door, started.run_id), now)

    async def _refuse_more(self, message: Message) -> NoReturn:
        raise UnsupportedOperationError(
            f"task {message.task_id!r} takes no further messages; what it asks, a person answers "
            "in Holdfast. Send a message without a taskId to start another task"
        )

    async def _settled(self, begun: _Begun) -> Task:
        """Wait until the run has ended or waits for a person, as long as a caller may wait."""
        deadline = time.monotonic() + MOST_WAIT_S
        while True:
            end = await begun.door.result(begun.run_id, _LOOK_S)
            if end is not None:
                return tasks.ended(end, begun.context)
            task = await self._task(begun.door, begun.run_id)
            if task.status.state == TaskState.TASK_STATE_INPUT_REQUIRED:
                return task
            if time.monotonic() > deadline or self._stopping.is_set():
                return task

    # --- seeing

    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task:
        """Return a task: where it is, or how it ended."""
        with _told(params):
            return await self._task(self._door(context, "read", ""), params.id)

    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Task | Update]:
        """Tell what happens in a task from now on, until it has ended or asks anew."""
        with _told(params):
            door, now = self._door(context, "read", ""), datetime.now(UTC)
            view = await self._view(door, params.id)
            if view.outcome:
                raise UnsupportedOperationError(f"task {params.id!r} has ended; get it instead")
            told = await self._context(door, params.id)
            yield tasks.under_way(view, told)
            news = News(door, params.id, told, now, self._stopping, known=_known(view))
            async for update in news.updates():
                yield update

    async def on_list_tasks(
        self, params: ListTasksRequest, context: ServerCallContext
    ) -> ListTasksResponse:
        """Refuse: the HTTP service lists runs, with more to choose by."""
        raise UnsupportedOperationError(
            "tasks are not listed here; GET /v1/runs of the HTTP service lists them"
        )

    async def _task(self, door: Door, run_id: str) -> Task:
        view = await self._view(door, run_id)
        context = await self._context(door, run_id)
        if not view.outcome:
            return tasks.under_way(view, context)
        end = await door.result(run_id)
        return tasks.ended(end, context) if end else tasks.under_way(view, context)

    async def _view(self, door: Door, run_id: str) -> RunView:
        """Return a run of this agent; another's is not a task here.

        Raises:
            TaskNotFoundError: There is none.
        """
        view = await door.status(run_id)
        if view.workflow != WORKFLOW or view.agent != self._spec.name:
            raise TaskNotFoundError(f"there is no task {run_id[:200]!r}")
        return view

    async def _context(self, door: Door, run_id: str) -> str:
        """Return the context that the caller gave, else one of the task's own."""
        return await KeyValues(door.session.database).get(_place(run_id)) or run_id

    # --- ending

    async def on_cancel_task(self, params: CancelTaskRequest, context: ServerCallContext) -> Task:
        """Ask a run to end. It first undoes what it can, and may be at it when this returns."""
        with _told(params):
            door = self._door(context, "start", "")
            await self._view(door, params.id)
            await door.cancel(params.id)
            await door.result(params.id, _CANCEL_S)
            return await self._task(door, params.id)

    # --- what is not offered

    async def on_create_task_push_notification_config(
        self, params: TaskPushNotificationConfig, context: ServerCallContext
    ) -> TaskPushNotificationConfig:
        """Refuse: the card says so."""
        raise PushNotificationNotSupportedError

    async def on_get_task_push_notification_config(
        self, params: GetTaskPushNotificationConfigRequest, context: ServerCallContext
    ) -> TaskPushNotificationConfig:
        """Refuse: the card says so."""
        raise PushNotificationNotSupportedError

    async def on_list_task_push_notification_configs(
        self, params: ListTaskPushNotificationConfigsRequest, context: ServerCallContext
    ) -> ListTaskPushNotificationConfigsResponse:
        """Refuse: the card says so."""
        raise PushNotificationNotSupportedError

    async def on_delete_task_push_notification_config(
        self, params: DeleteTaskPushNotificationConfigRequest, context: ServerCallContext
    ) -> None:
        """Refuse: the card says so."""
        raise PushNotificationNotSupportedError

    async def on_get_extended_agent_card(
        self, params: GetExtendedAgentCardRequest, context: ServerCallContext
    ) -> AgentCard:
        """Refuse: there is one card, for everyone."""
        raise ExtendedAgentCardNotConfiguredError


def _place(run_id: str) -> str:
    return f"a2a context {run_id}"


def _known(view: RunView) -> str:
    if view.waits == "repair":
        return "stop"
    return str((view.said.question or {}).get("id", "")) if view.said else ""


@contextmanager
def _told(params: ProtoMessage) -> Generator[None]:
    """Tell what goes wrong in the protocol's errors; nothing of a bug of ours is told.

    Args:
        params: Of the request; what it must have is looked for first.

    Raises:
        A2AError: What the caller is told.
    """
    try:
        validate_proto_required_fields(params)
        yield
    except (A2AError, GeneratorExit, asyncio.CancelledError):
        raise
    except UnknownRun as error:
        raise TaskNotFoundError(str(error)) from None
    except (UnfitInput, KeyReused) as error:
        raise InvalidParamsError(str(error)) from None
    except NotCounted as error:
        raise TaskNotCancelableError(str(error)) from None
    except CommandError as error:
        raise UnsupportedOperationError(str(error)) from None
    except Exception as error:  # noqa: BLE001 - a caller is told of everything, in one line
        known = explain(error)
        if known is None:
            _log.exception("a bug in the A2A service")
        raise InternalError(known[0] if known else "a bug; the log has it") from None
