"""One worker process: its task queues, its page, and its end in order."""

import asyncio
import gc
import inspect
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import httpx
import structlog
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.worker import (
    Interceptor,
    UnsandboxedWorkflowRunner,
    Worker,
    WorkflowRunner,
)
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from runtime import health
from runtime.metrics import Meters
from runtime.settings import Settings
from runtime.versioning import identity, pinning, served_as

# A killed worker's cached runs move to another one after this, not after ten seconds.
_STICKY_TIMEOUT: Final = timedelta(seconds=1)
# The SDK would hold heartbeats back to 0.8 of their timeout, and a kill be seen that much later.
_HEARTBEAT_THROTTLE: Final = timedelta(seconds=1)
# Runs that are replayed or moved on at once. The SDK's hundred share one interpreter: after a
# restart with a thousand runs waiting, each of a hundred waits for all the others, the event loop
# gets one turn in a hundred (heartbeats came three seconds late), and nothing is done before
# everything is. Eight at a time are done in milliseconds each, well inside a workflow task's ten
# seconds, and the rest wait in the server, where waiting has no timeout.
_WORKFLOW_TASKS: Final = 8
# What `@activity.defn` leaves on a function.
_ACTIVITY_MARK: Final = "__temporal_activity_definition"
_LOOK_TIMEOUT_S: Final = 2.0
# Allocations between collections of the youngest objects; the default suits short scripts. A run
# that left the cache is a circle of some 600 objects, 130 KB, that only the collector finds, most
# of them in the oldest generation: with 20 and 20 that is looked at once in 8,000 such runs, with 5
# and 5 once in 500.
_COLLECT_AFTER: Final = (20_000, 5, 5)

_log = structlog.stdlib.get_logger(__name__)


class NothingToServe(ValueError):
    """A queue was asked for that no workflow, tool or model is served on."""


@dataclass(frozen=True)
class Queue:
    """A task queue and what is served on it.

    Attributes:
        per_second: Activities a second over all workers of the queue; None for no limit.
    """

    name: str
    activities: Sequence[Callable[..., Any]]
    workflows: Sequence[type] = ()
    per_second: float | None = None


@dataclass(frozen=True)
class Service:
    """What one process serves.

    Attributes:
        known: All queues that this code can serve, whoever serves them.
        pinned: Agents whose runs end with the build they began with: `runtime/versioning.py`.
        refresh: Brings numbers up to date that live in the database, when they are looked at.
        close: Closes its models' connections, for who goes on without it.
    """

    queues: Sequence[Queue]
    failures: Sequence[type[BaseException]]
    interceptors: Sequence[Interceptor]
    meters: Meters
    refresh: Callable[[], Awaitable[None]] | None = None
    known: Sequence[str] = ()
    pinned: Sequence[str] = ()
    close: Callable[[], Awaitable[None]] | None = None


def activities_of(*instances: object) -> list[Callable[..., Any]]:
    """Return every method that is an activity, so that a new one is served without a list."""
    return [
        method
        for instance in instances
        for _, method in inspect.getmembers(instance, inspect.ismethod)
        if hasattr(method, _ACTIVITY_MARK)
    ]


def wanted(queues: str, usual: Sequence[Queue], extra: Sequence[Queue]) -> list[Queue]:
    """Return the queues that `queues` names, each as `name` or `name=limit`; empty: the usual.

    Raises:
        NothingToServe: a name is not known, or a limit is not a positive number.
    """
    if not queues:
        return list(usual)
    known = {queue.name: queue for queue in [*usual, *extra]}
    return [_wanted(part.strip(), known) for part in queues.split(",")]


def _wanted(part: str, known: Mapping[str, Queue]) -> Queue:
    name, equals, limit = part.partition("=")
    if name not in known:
        raise NothingToServe(f"no queue is called {name!r}; there are {sorted(known)}")
    if not equals:
        return known[name]
    with suppress(ValueError):
        if float(limit) > 0:
            return replace(known[name], per_second=float(limit))
    raise NothingToServe(f"queue {name!r} has the limit {limit!r}, expected a positive number")


async def serve(client: Client, settings: Settings, service: Service, sdk_metrics: str) -> None:
    """Serve until SIGTERM or SIGINT, then let what runs finish, and return.

    Raises:
        RuntimeError: a worker ended by itself, for example because its namespace is gone.
    """
    stopping = _on_signal()
    workers = [_worker(client, settings, service, queue) for queue in service.queues]
    page = _Page(service, workers, sdk_metrics)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(page.close)
        address = await stack.enter_async_context(
            health.served(settings.metrics_host, settings.metrics_port, page.handlers())
        )
        _spare_the_collector()
        running = [asyncio.create_task(worker.run()) for worker in workers]
        stack.push_async_callback(_stop, workers, running)
        names = [queue.name for queue in service.queues]
        _log.info("serving", queues=names, page=address, **served_as(settings))
        await _first(running, stopping)
        _log.info("stopping", at_most_s=settings.graceful_timeout.total_seconds())
    for task in running:
        task.result()
    _log.info("stopped")


def _worker(client: Client, settings: Settings, service: Service, queue: Queue) -> Worker:
    return Worker(
        client,
        task_queue=queue.name,
        workflows=queue.workflows,
        activities=queue.activities,
        workflow_runner=pinning(settings, _runner(settings), service.pinned),
        interceptors=service.interceptors,
        workflow_failure_exception_types=service.failures,
        max_cached_workflows=settings.cached_workflows,
        max_concurrent_workflow_tasks=_WORKFLOW_TASKS,
        max_concurrent_activities=settings.worker_concurrency,
        max_task_queue_activities_per_second=queue.per_second,
        sticky_queue_schedule_to_start_timeout=_STICKY_TIMEOUT,
        max_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
        graceful_shutdown_timeout=settings.graceful_timeout,
        **identity(settings),
    )


def _runner(settings: Settings) -> WorkflowRunner:
    """Return what runs workflow code: as it stands, unless the sandbox is asked for.

    The sandbox loads a workflow's file anew for each run, on the event loop: 3 ms and 110 KB a
    run, 9 ms where no bytecode is kept, against 0.03 ms and 10 KB. A thousand runs that come back
    after a restart would hold the loop for seconds, and no heartbeat is sent meanwhile. What it
    guards against, the linter forbids (TID251), and the tests run workflows inside it.
    """
    if not settings.sandbox:
        return UnsandboxedWorkflowRunner()
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules("domain", "pydantic")
    )


def _spare_the_collector() -> None:
    """Keep the garbage collector off what lives as long as the process.

    Modules, schemas and type adapters are a few hundred thousand objects, which every full
    collection would walk again; what a turn leaves behind is freed by counting references.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(*_COLLECT_AFTER)


def _on_signal() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stopping.set)
    return stopping


async def _first(running: Sequence[asyncio.Task[None]], stopping: asyncio.Event) -> None:
    """Return at the signal, or as soon as a worker ends."""
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait([waiting, *running], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


async def _stop(workers: Sequence[Worker], running: Sequence[asyncio.Task[None]]) -> None:
    """Stop all queues at once: one after the other, each would take the graceful time."""
    # Also those that have not begun yet: the mark makes them end as soon as they do.
    await asyncio.gather(*(worker.shutdown() for worker in workers))
    await asyncio.gather(*running, return_exceptions=True)


class _Page:
    """The answers to /metrics, /healthz and /readyz."""

    def __init__(self, service: Service, workers: Sequence[Worker], sdk_metrics: str) -> None:
        self._meters = service.meters
        self._refresh = service.refresh
        self._queues = {queue.name for queue in service.queues}
        self._workers = workers
        self._sdk_metrics = sdk_metrics
        # Never through a proxy: it is this process's own port.
        self._http = httpx.AsyncClient(timeout=_LOOK_TIMEOUT_S, trust_env=False)

    def handlers(self) -> dict[str, health.Handler]:
        return {"/metrics": self.metrics, "/healthz": self.healthz, "/readyz": self.readyz}

    async def close(self) -> None:
        await self._http.aclose()

    async def metrics(self) -> health.Page:
        if self._refresh is not None:
            # What the database cannot say in time stays as it was: the page is for that too.
            with suppress(SQLAlchemyError, TimeoutError):
                async with asyncio.timeout(_LOOK_TIMEOUT_S):
                    await self._refresh()
        return health.Page(self._meters.render() + (await self._sdk()).encode())

    async def healthz(self) -> health.Page:
        """Answering at all shows that the event loop turns."""
        return health.Page(b"ok\n")

    async def readyz(self) -> health.Page:
        """Ready while every queue is polled: started, not stopping, and not only connected."""
        idle = sorted(self._queues - _polled(await self._sdk()))
        if idle or not all(worker.is_running for worker in self._workers):
            reason = f"not polling {idle or sorted(self._queues)}\n"
            return health.Page(reason.encode(), HTTPStatus.SERVICE_UNAVAILABLE)
        return health.Page(b"ready\n")

    async def _sdk(self) -> str:
        """Return the SDK's own metrics, nothing where they do not answer."""
        try:
            return (await self._http.get(self._sdk_metrics)).text
        except httpx.HTTPError:
            return ""


def _polled(exposition: str) -> set[str]:
    return {
        sample.labels.get("task_queue", "")
        for family in text_string_to_metric_families(exposition)
        if family.name == "temporal_num_pollers"
        for sample in family.samples
        if sample.value > 0
    }
