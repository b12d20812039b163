"""What a command works with: settings, database and a connected client."""

import getpass
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowHandle

from commands.errors import CommandError
from runtime import devserver
from runtime.database import Database, opened
from runtime.operations import identity
from runtime.settings import Settings
from runtime.temporal import connect

# A worker's poll is renewed at the latest after 60 s; what was last seen before that is gone.
_POLL_LIVES = timedelta(seconds=70)
_T = TypeVar("_T")
NO_WORKER = "run `python starter.py up`, or `python worker.py` beside a server of your own"


@dataclass(frozen=True)
class Session:
    """A connected command."""

    settings: Settings
    database: Database
    client: Client

    def handle(self, run_id: str) -> WorkflowHandle[Any, Any]:
        """Return the handle of the latest run under `run_id`."""
        return self.client.get_workflow_handle(run_id)

    def page(self, run_id: str = "") -> str:
        """Return the address of the run's page in the Temporal UI, nothing where unknown."""
        server = devserver.find(self.settings)
        config = self.client.service_client.config
        if server is None or config.target_host != server.address:
            return ""
        home = f"{server.ui}/namespaces/{self.client.namespace}/workflows"
        return f"{home}/{quote(run_id, safe='')}" if run_id else home

    async def workers(self, since: float = 0) -> int:
        """Return how many workers have lately, or since that moment, asked for work."""
        answer = await self.client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self.client.namespace,
                task_queue=TaskQueue(name=self.settings.task_queue),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            )
        )
        oldest = max(time.time() - _POLL_LIVES.total_seconds(), since)
        return sum(_seconds(poller.last_access_time) >= oldest for poller in answer.pollers)

    async def update(self, run_id: str, name: str, answer: dict[str, Any], model: type[_T]) -> _T:
        """Send an update and return what it returns.

        Raises:
            WorkflowUpdateFailedError: The run refuses; its message says why.
        """
        handle = self.handle(run_id)
        return await handle.execute_update(  # pyright: ignore[reportUnknownMemberType]
            name, answer, result_type=model
        )

    async def need_worker(self) -> None:
        """Refuse where nobody would do the work.

        Raises:
            CommandError: No worker asks for work.
        """
        if not await self.workers():
            raise CommandError(
                f"no worker serves the task queue {self.settings.task_queue!r}, so nothing was "
                f"started; {NO_WORKER}"
            )


def _seconds(moment: Timestamp) -> float:
    return moment.seconds + moment.nanos / 1e9


@asynccontextmanager
async def session(settings: Settings | None = None) -> AsyncGenerator[Session]:
    """Yield a connected session.

    Raises:
        NoServer: None is reachable.
        DatabaseError: It cannot be opened.
    """
    settings = settings or Settings.load()
    async with opened(settings) as database:
        yield Session(settings, database, await connect(settings, database, identity=_identity()))


def _identity() -> str:
    """Return what histories say of who sent something: account and host, and which process."""
    return f"{identity()} ({os.getpid()})"


def whoami() -> str:
    """Return the name that a decision is signed with where nobody gives one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
