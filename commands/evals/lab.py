"""Where cases are run: the Temporal server that is there, and all else of the evaluation's own.

A worker in this process, on a task queue that nobody else serves; a database in a folder that is
deleted at the end, so that no tenant's cap, memory, kept reply or halt is touched; the offline
model as a process of its own, where no key is set, so that its noise is no other run's.
"""

import asyncio
import logging
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import structlog
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from agents.registry import agents
from commands import history, reading, transcript
from commands.errors import CommandError, Misuse, root
from commands.evals.attending import Asked, Attendant
from commands.evals.cases import FILES, Inputs, folder_of, request_of
from commands.evals.stubs import CASE, Changes, Made, Meeting, Meetings, evaluation_of
from commands.reading import AGENT_WORKFLOW, Closed
from commands.service import compose
from commands.session import Session
from commands.transcript import Transcript
from domain.run import AgentRequest, AgentResult
from runtime import devserver
from runtime.database import opened
from runtime.offline_process import offline_model
from runtime.search_attributes import ensure_search_attributes
from runtime.settings import Settings
from runtime.temporal import NoServer, connect

_PATIENCE_S: Final = 300.0
_TASK_TIMEOUT: Final = timedelta(seconds=10)
_LOOK_TIMEOUT_S: Final = 10.0
_LONGEST_PATH: Final = 1_000


@dataclass(frozen=True)
class Ran:
    """What a case's run came to.

    Attributes:
        result: None where the workflow itself failed; `failure` says how.
        made: Calls that reached a tool, of runs below it as well.
        asked: What people were asked, and said.
        story: Its conversation, as its history has it.
    """

    run_id: str
    result: AgentResult | None
    failure: str = ""
    made: Sequence[Made] = ()
    asked: Sequence[Asked] = ()
    story: Transcript | None = None
    seconds: float = 0


@dataclass
class Lab:
    """A worker that serves the agents as they are evaluated."""

    session: Session
    meetings: Meetings
    sandbox: Path
    offline_url: str
    _folders: int = 0

    async def noisy(self, agent: str, rate: float, seed: int) -> None:
        """Have the offline model slip in so many of an agent's replies, by this seed.

        Raises:
            Misuse: A real model serves, which has noise of its own.
        """
        if not self.offline_url:
            raise Misuse("--noise is the offline model's; a real model has its own")
        rules = [{"kind": "slip", "agent": agent, "rate": rate}] if rate else []
        async with httpx.AsyncClient(trust_env=False, timeout=_LOOK_TIMEOUT_S) as client:
            wanted = {"seed": seed, "rules": rules}
            answer = await client.post(f"{self.offline_url}/misbehave", json=wanted)
            answer.raise_for_status()

    async def case(self, agent: str, inputs: Inputs, name: str = "case") -> Ran:
        """Run one case in a folder of its own, and the earlier tasks that it remembers."""
        async with self._folder(inputs, folder_of(agent) / "files") as folder:
            tenant = f"eval-{folder.name}"
            for task in inputs.earlier:
                before = AgentRequest(agent=agent, task=task, tenant=tenant, by=inputs.by)
                await self._ran(f"{name}-before", before, inputs, folder)
            made = await asyncio.to_thread(request_of, agent, inputs, folder)
            request = AgentRequest.model_validate(
                {**made, "agent": agent, "tenant": tenant, "by": inputs.by or "an evaluation"}
            )
            return await self._ran(name, request, inputs, folder)

    async def goes_on(self, request: AgentRequest, inputs: Inputs, name: str) -> Ran:
        """Run a request as it is, for example one that has a state, over the inputs' own files."""
        async with self._folder(inputs) as folder:
            data = {key: each.replace(FILES, str(folder)) for key, each in inputs.data.items()}
            request = request.model_copy(update={"data": data})
            return await self._ran(name, request, inputs, folder)

    @asynccontextmanager
    async def _folder(self, inputs: Inputs, common: Path | None = None) -> AsyncGenerator[Path]:
        """Yield a folder that one case has to itself."""
        self._folders += 1
        folder = self.sandbox / f"{self._folders:05}"
        await asyncio.to_thread(lay_out, folder, common, inputs)
        try:
            yield folder
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _ran(
        self, name: str, request: AgentRequest, inputs: Inputs, folder: Path | None = None
    ) -> Ran:
        run_id = f"eval-{request.agent}-{name}-{uuid4().hex[:8]}"
        own = folder is not None and await asyncio.to_thread(all_in, folder, request.data)
        meeting = self.meetings.by_case[run_id] = Meeting(inputs.stubs, sandboxed=own)
        request = request.model_copy(update={"data": {**request.data, CASE: run_id}})
        clock = asyncio.get_running_loop().time
        began = clock()
        await self.session.client.start_workflow(
            AGENT_WORKFLOW,
            request,
            id=run_id,
            task_queue=self.session.settings.task_queue,
            task_timeout=_TASK_TIMEOUT,
        )
        attendant = Attendant(self.session, run_id, list(inputs.answers))
        closed = await self._closed(run_id, attendant)
        seconds = clock() - began
        del self.meetings.by_case[run_id]
        result = AgentResult.model_validate(closed.result) if closed.result else None
        legs = await history.legs(self.session, run_id)
        story = await transcript.read(self.session.client.data_converter, legs)
        return Ran(run_id, result, closed.failure, meeting.made, attendant.asked, story, seconds)

    async def _closed(self, run_id: str, attendant: Attendant) -> Closed:
        """Wait for a run's end, answering what it asks; one that takes minutes is ended."""
        end = asyncio.create_task(reading.result(self.session, run_id))
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await attendant.until(end)
                return end.result()
        except TimeoutError:
            with suppress(RPCError):
                await self.session.handle(run_id).terminate("an evaluation's case took too long")
            return Closed(None, f"it had not ended after {_PATIENCE_S:.0f} s")
        finally:
            end.cancel()


@asynccontextmanager
async def lab(changes: Changes, settings: Settings | None = None) -> AsyncGenerator[Lab]:
    """Yield a place to run cases in; it is gone afterwards, but for the runs' histories.

    Raises:
        NoServer: What is configured does not answer.
        BinaryMissing: There is none, and none could be started.
    """
    usual = settings or Settings.load()
    with tempfile.TemporaryDirectory(prefix="holdfast-eval-") as home:
        own = usual.model_copy(
            update={
                "home": Path(home),
                "database_url": None,
                "task_queue": f"eval-{uuid4().hex[:12]}",
                "metrics_port": 0,
                "offline_url": None,
                "mcp": None,
            }
        )
        _quietly()
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(opened(own))
            client = await stack.enter_async_context(_client(usual, own, database))
            offline_url = await stack.enter_async_context(offline_model(own))
            session = Session(own, database, client)
            made = Lab(session, Meetings(), Path(home) / "cases", offline_url)
            await stack.enter_async_context(_worker(made, changes))
            yield made


def _quietly() -> None:
    """Keep a worker's log off a command's output, unless somebody has said where it goes."""
    if not structlog.is_configured():
        structlog.configure(
            wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        )


@asynccontextmanager
async def _client(usual: Settings, own: Settings, database: Any) -> AsyncGenerator[Any]:
    """Yield a client of the server that is configured or runs; else of one for this time."""
    started = False
    try:
        client = await connect(usual, database, runtime=_quiet_runtime())
    except NoServer:
        if _names_a_server():
            raise
        await devserver.start(own)
        started = True
        client = await connect(own, database, runtime=_quiet_runtime())
    try:
        await ensure_search_attributes(client)
        yield client
    finally:
        if started:
            await asyncio.to_thread(devserver.stop, own)


@cache
def _quiet_runtime() -> Runtime:
    """Return a runtime that says what is wrong and not what is merely late: one for the process."""
    level = TelemetryFilter(core_level="ERROR", other_level="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=level)))


def _names_a_server() -> bool:
    from temporalio.envconfig import ClientConfig  # noqa: PLC0415 - for this alone

    try:
        return bool(ClientConfig.load_client_connect_config().get("target_host"))
    except RuntimeError as error:
        raise CommandError(f"the Temporal profile cannot be used: {root(error)}") from None


@asynccontextmanager
async def _worker(made: Lab, changes: Changes) -> AsyncGenerator[None]:
    settings = made.session.settings
    served = evaluation_of(agents(), changes, made.meetings)
    service = compose(settings, made.session.database, made.offline_url, served)
    [queue] = service.queues
    async with Worker(
        made.session.client,
        task_queue=queue.name,
        workflows=queue.workflows,
        activities=queue.activities,
        workflow_runner=UnsandboxedWorkflowRunner(),
        interceptors=service.interceptors,
        workflow_failure_exception_types=service.failures,
        max_cached_workflows=settings.cached_workflows,
        max_concurrent_activities=settings.worker_concurrency,
        graceful_shutdown_timeout=timedelta(seconds=2),
        # Judging runs beside runs is work: what is slow for two seconds is no deadlock here.
        debug_mode=True,
    ):
        yield
    if service.close is not None:
        await service.close()


def all_in(folder: Path, data: Mapping[str, str]) -> bool:
    """Whether every file and folder that a run's data names lies in `folder`."""
    paths = [Path(value) for value in data.values() if len(value) < _LONGEST_PATH]
    named = [path for path in paths if path.is_absolute() or path.exists()]
    return all(path.resolve().is_relative_to(folder.resolve()) for path in named)


def lay_out(folder: Path, common: Path | None, inputs: Inputs) -> None:
    """Make a case's folder: what all cases have, then its own files.

    Raises:
        CommandError: A file's name leads out of it.
    """
    folder.mkdir(parents=True)
    if common is not None and common.is_dir():
        shutil.copytree(common, folder, dirs_exist_ok=True)
    for name, text in inputs.files.items():
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise CommandError(f"the case's file {name!r} leads out of its folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
