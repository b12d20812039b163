"""A stage for one test: a worker on a queue of its own, an agent, a scripted model.

Every run that ends on it is looked at: no workflow task failed, and its history replays.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle, WorkflowHistory
from temporalio.worker import (
    Replayer,
    UnsandboxedWorkflowRunner,
    Worker,
    WorkflowRunner,
)
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.controls import Control, Controls
from activities.folding import FoldingActivities
from activities.guarding.door import Privileges
from activities.halts import HaltActivities, HaltControl
from activities.llm import LLMActivities
from activities.memory import MemoryActivities, Remembrance
from activities.runs import RunActivities
from activities.selfchecks import SelfCheckActivities
from activities.spend import Reserved
from activities.standing import StandingActivities
from activities.tools import ToolActivities
from activities.transcripts import Transcripts
from activities.validation import ValidationActivities, addresses
from agents.artifacts import read_artifact
from agents.memory import offered
from agents.registry import tools as tools_of
from agents.toolkit import Agent, Prompt
from domain.approval import Decision
from domain.routing import PROVIDERS
from domain.run import AgentResult, Status
from runtime.answers import Answers
from runtime.artifacts import Artifacts
from runtime.database import Database
from runtime.dead_letters import DeadLetters
from runtime.encryption_waiting import WaitForKeys
from runtime.halts import Halts
from runtime.interceptors import FinishWrites
from runtime.memory import Memories
from runtime.runs import Runs
from runtime.serving import activities_of
from runtime.shelf import Shelf
from runtime.spend import SpendLedger
from runtime.standing import StandingApprovals
from tests.fakes import Script, ScriptedProvider
from workflows import FAILURES, WORKFLOWS

PATIENCE_S = 30.0
# Many signals during one task, or one while a run closes, make the server ask once more; a reset
# is written down as a failed task.
_THE_SERVERS = (
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW,
)
# The SDK's core says so, rarely and on a busy machine, of a local activity whose task ran late;
# the task is made again and the run goes on.
_THE_CORES = "LA marker handling in invalid state"
Handle = WorkflowHandle[Any, Any]


def agent(name: str = "tester", **changes: Any) -> Agent:
    """Return an agent; one with tools can read on in cut results, as the registry has it."""
    told: dict[str, Any] = {"name": name, "prompt": Prompt("You test.", "v1")} | changes
    if told.get("memory"):
        told["tools"] = [*told.get("tools", ()), *offered(told["memory"])]
    if told.get("tools"):
        told["tools"] = [*told["tools"], read_artifact]
    return Agent(**told)


def sandbox() -> WorkflowRunner:
    """Return the runner that workers have."""
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules("domain", "pydantic")
    )


@dataclass
class Stage:
    """Where one test plays.

    Attributes:
        cached: Runs that the worker keeps. With none each task replays the run, and the SDK's
            core can then hold a task that runs a check (a local activity) until it times out,
            when a query comes in between: so 0 is for tests that do not ask for a status.
    """

    client: Client
    database: Database
    queue: str
    provider: ScriptedProvider = field(default_factory=lambda: ScriptedProvider([]))
    sandboxed: bool = True
    cached: int = 100
    agents: dict[str, Agent] = field(default_factory=dict[str, Agent])
    transcripts: Transcripts = field(default_factory=Transcripts)
    more: Sequence[Callable[..., Any]] = ()
    controls: Sequence[Control] = ()
    memories: Memories | None = None
    privileges: Privileges | None = None
    _worker: AsyncExitStack | None = None

    async def play(self, given: Agent | Sequence[Agent], script: Script) -> None:
        """Serve `given` with a model that follows `script`."""
        served = [given] if isinstance(given, Agent) else given
        self.agents = {each.name: each for each in served}
        self.provider = ScriptedProvider(script)
        await self.serve()

    async def serve(self) -> None:
        """Start a worker that remembers nothing."""
        self.transcripts = Transcripts()
        self._worker = AsyncExitStack()
        await self._worker.enter_async_context(self._new_worker())

    async def stop(self) -> None:
        """Stop the worker; what runs goes on when another is there."""
        if self._worker is not None:
            await self._worker.aclose()
            self._worker = None

    async def restart(self) -> None:
        """Exchange the worker for one that remembers nothing."""
        await self.stop()
        await self.serve()

    @property
    def halts(self) -> Halts:
        """What stops runs from outside."""
        return Halts(self.database)

    def _new_worker(self) -> Worker:
        spend = SpendLedger(self.database, Reserved)
        controls = Controls([HaltControl(self.halts), *self.controls])
        llm = LLMActivities(
            dict.fromkeys(sorted(PROVIDERS), self.provider),
            self.transcripts,
            spend,
            controls=controls,
            answers=Answers(self.database),
        )
        runs = RunActivities(
            self.agents,
            self.transcripts,
            DeadLetters(self.database),
            Runs(self.database),
            privileges=self.privileges,
        )
        standing = StandingActivities(StandingApprovals(self.database))
        tools = tools_of(self.agents.values())
        url = self.database.url.render_as_string(hide_password=False)
        memory = Remembrance(self.memories or Memories(self.database))
        called = ToolActivities(
            tools,
            self.transcripts,
            Artifacts(self.database),
            url,
            shelf=Shelf(self.database),
            controls=controls,
            memory=memory,
        )
        queues = [called.all(queue) for queue in ("", *called.queues())]
        return Worker(
            self.client,
            task_queue=self.queue,
            workflows=WORKFLOWS,
            activities=[
                *activities_of(llm, ValidationActivities(self.agents), runs, standing),
                *activities_of(MemoryActivities(memory, self.transcripts)),
                *activities_of(FoldingActivities(Artifacts(self.database), addresses)),
                *activities_of(HaltActivities(self.halts)),
                *activities_of(SelfCheckActivities(self.agents, tools, url)),
                *(each for queue in queues for each in queue),
                *self.more,
            ],
            workflow_runner=sandbox() if self.sandboxed else UnsandboxedWorkflowRunner(),
            workflow_failure_exception_types=FAILURES,
            interceptors=[
                WaitForKeys({"llm.think", *(t.spec.name for t in tools.values())}),
                FinishWrites({t.spec.name for t in tools.values() if t.spec.writes}),
            ],
            max_cached_workflows=self.cached,
            max_heartbeat_throttle_interval=timedelta(milliseconds=300),
            graceful_shutdown_timeout=timedelta(milliseconds=200),
        )

    # --- runs

    async def start(self, task: Any = "do it", **request: Any) -> Handle:
        """Start a run of the agent with plain JSON, as the command line does."""
        name = next(iter(self.agents), "")
        return await self.start_raw({"agent": name, "task": task} | request)

    async def start_raw(self, *given: Any) -> Handle:
        """Start a run with whatever is given, in the place of a request."""
        return await self.begin("AgentWorkflow", *given)

    async def begin(self, workflow: str, *given: Any) -> Handle:
        """Start a run of `workflow` with whatever is given, in the place of a request."""
        return await self.client.start_workflow(
            workflow,
            args=given,
            id=f"run-{uuid4().hex[:12]}",
            task_queue=self.queue,
            task_timeout=timedelta(seconds=5),
        )

    async def run(self, task: Any = "do it", **request: Any) -> AgentResult:
        """Start a run and return what it came to."""
        return await self.result(await self.start(task, **request))

    async def result(self, handle: Handle) -> AgentResult:
        """Wait for a run's end; look at its history; return its result."""
        await self.closed(handle)
        found = await asyncio.wait_for(
            self.client.get_workflow_handle(handle.id, result_type=AgentResult).result(),
            PATIENCE_S,
        )
        assert isinstance(found, AgentResult)
        return found

    async def closed(self, handle: Handle) -> WorkflowExecutionStatus:
        """Wait until a run has closed, however; check that its history is sound."""

        async def ended() -> WorkflowExecutionStatus | None:
            status = (await handle.describe()).status
            running = status in {
                WorkflowExecutionStatus.RUNNING,
                WorkflowExecutionStatus.CONTINUED_AS_NEW,
            }
            return None if running else status

        status = await eventually(ended)
        await self.sound(handle)
        return status

    async def sound(self, handle: Handle) -> WorkflowHistory:
        """Check that no workflow task failed and that the history replays; return it."""
        history = await handle.fetch_history()
        failed = [
            event.workflow_task_failed_event_attributes
            for event in history.events
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
            and event.workflow_task_failed_event_attributes.cause not in _THE_SERVERS
            and _THE_CORES not in event.workflow_task_failed_event_attributes.failure.message
        ]
        assert not failed, f"workflow tasks failed: {failed}"
        await replayer(self.client).replay_workflow(history)
        return history

    # --- looking and speaking

    async def status(self, handle: Handle) -> Status:
        """Ask a run for its status."""
        return await handle.query("status", result_type=Status)

    async def until(self, handle: Handle, holds: Callable[[Status], Any]) -> Status:
        """Wait until a run's status is as wanted, and return it."""

        async def found() -> Status | None:
            status = await self.status(handle)
            return status if holds(status) else None

        return await eventually(found)

    async def asked(self, handle: Handle) -> dict[str, Any]:
        """Wait for a question, and return it."""
        status = await self.until(handle, lambda status: status.question)
        assert status.question is not None
        return status.question

    async def stopped(self, handle: Handle) -> Status:
        """Wait until a run stands still."""
        return await self.until(handle, lambda status: status.stop)

    async def decide(self, handle: Handle, **answer: Any) -> Decision:
        """Answer by update."""
        return await handle.execute_update("decide", answer, result_type=Decision)


async def eventually(probe: Callable[[], Awaitable[Any]], patience_s: float = PATIENCE_S) -> Any:
    """Return what `probe` finds, as soon as it finds anything.

    Raises:
        TimeoutError: It found nothing in time.
    """
    async with asyncio.timeout(patience_s):
        while True:
            found = await probe()
            if found:
                return found
            await asyncio.sleep(0.03)


def replayer(client: Client) -> Replayer:
    """Return what replays histories with the code as it is."""
    return Replayer(
        workflows=WORKFLOWS,
        workflow_runner=UnsandboxedWorkflowRunner(),
        workflow_failure_exception_types=FAILURES,
        data_converter=client.data_converter,
    )


def activities_in(history: WorkflowHistory) -> list[str]:
    """Return the names of the scheduled activities, in order."""
    kind = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    return [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.event_type == kind
    ]
