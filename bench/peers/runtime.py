"""A runtime under test: a worker process of its own, runs that are started and waited for."""

import asyncio
import json
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, cast

import psutil
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import WorkflowAlreadyStartedError

RUNTIMES: Final = Path(__file__).parent / "runtimes"
_STARTS_S: Final = 60.0
_LONGEST_LINE: Final = 2**24


@dataclass(frozen=True)
class Came:
    """What a run came to.

    Attributes:
        ended: `completed`, `failed`, or empty: it had not ended in time, and was terminated.
        history_bytes: As the server counts them; 0 where there is no server.
    """

    ended: str
    why: str = ""
    history_bytes: int = 0


@dataclass(frozen=True)
class Asked:
    """A workflow to be started."""

    workflow: str
    arguments: list[Any]
    run_id: str
    queue: str


class Runtime(Protocol):
    """One of those compared."""

    @property
    def name(self) -> str:
        """As the table has it, and its queue."""
        ...

    async def start(self) -> None:
        """Start the worker; it serves when this returns."""
        ...

    async def kill(self) -> None:
        """End the worker with SIGKILL."""
        ...

    async def run(self, agent: str, task: Mapping[str, Any], run_id: str, within_s: float) -> Came:
        """Run to its end, or take up a run that is under way under that id."""
        ...

    def cpu_s(self) -> float:
        """User and system time of the worker's process."""
        ...

    def hold(self, item: str) -> None:
        """Have the effect on `item` be slow to say that it has happened."""
        ...

    def release(self, item: str) -> None:
        """Let it say so."""
        ...

    def effects(self, item: str) -> int:
        """How often it has happened."""
        ...


@dataclass(frozen=True)
class Effects:
    """Where the others' tool leaves a line for each effect."""

    folder: Path

    def hold(self, item: str) -> None:
        """Have the effect be slow to say that it has happened."""
        (self.folder / f"{item}.hold").touch()

    def release(self, item: str) -> None:
        """Let it say so."""
        (self.folder / f"{item}.hold").unlink()

    def effects(self, item: str) -> int:
        """Return how often it has happened."""
        log = self.folder / f"{item}.log"
        return len(log.read_text().splitlines()) if log.exists() else 0


@dataclass
class Worker:
    """A worker's process in the others' environment."""

    python: Path
    script: str
    env: Mapping[str, str]
    log: Path
    process: Process | None = None

    async def start(self) -> Process:
        """Start it, and wait until it says that it serves."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                self.python,
                RUNTIMES / self.script,
                env=dict(self.env),
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
                limit=_LONGEST_LINE,
                start_new_session=True,
            )
        async with asyncio.timeout(_STARTS_S):
            if not await self.line():
                raise RuntimeError(f"{self.script} did not start; see {str(self.log)!r}")
        return self.process

    async def line(self) -> dict[str, Any]:
        """Return the next line that it prints; what is no JSON is passed over."""
        if self.process is None or self.process.stdout is None:
            return {}
        while said := await self.process.stdout.readline():
            if said.startswith(b"{"):
                return json.loads(said)
        return {}

    async def end(self, how: signal.Signals) -> None:
        """End it."""
        if self.process is None or self.process.returncode is not None:
            return
        os.kill(self.process.pid, how)
        await self.process.wait()

    def cpu_s(self) -> float:
        """Return its user and system time."""
        return cpu_s(self.process.pid) if self.process else 0.0


@dataclass(frozen=True)
class OnTemporal(Effects):
    """A runtime whose worker serves a queue of the Temporal server."""

    name: str
    workflow: str
    worker: Worker
    client: Client

    async def start(self) -> None:
        """Start the worker."""
        await self.worker.start()

    async def kill(self) -> None:
        """End the worker."""
        await self.worker.end(signal.SIGKILL)

    async def run(self, agent: str, task: Mapping[str, Any], run_id: str, within_s: float) -> Came:
        """Start the workflow, unless it runs already, and wait for it."""
        arguments = [agent, json.dumps(task)]
        asked = Asked(self.workflow, arguments, run_id, self.name)
        return await ended(self.client, asked, within_s)

    def cpu_s(self) -> float:
        """Return the worker's time."""
        return self.worker.cpu_s()


@dataclass(frozen=True)
class ByLines(Effects):
    """A runtime without a server: it is asked by lines."""

    name: str
    worker: Worker
    started: set[str] = field(default_factory=set[str])

    async def start(self) -> None:
        """Start the worker, which takes up what it had begun."""
        await self.worker.start()

    async def kill(self) -> None:
        """End the worker."""
        await self.worker.end(signal.SIGKILL)

    async def run(self, agent: str, task: Mapping[str, Any], run_id: str, within_s: float) -> Came:
        """Ask for the run, or for the result of one that it knows."""
        process = self.worker.process
        if process is None or process.stdin is None:
            raise RuntimeError(f"the worker of {self.name} is not running")
        asked = {"run": run_id}
        if run_id not in self.started:
            asked |= {"agent": agent, "task": json.dumps(task)}
        self.started.add(run_id)
        process.stdin.write((json.dumps(asked) + "\n").encode())
        try:
            async with asyncio.timeout(within_s):
                said = await self.worker.line()
        except TimeoutError:
            return Came("", "no end in time")
        if said.get("ok"):
            return Came("completed", history_bytes=said["bytes"])
        return Came("failed", str(said.get("error")))

    def cpu_s(self) -> float:
        """Return the worker's time."""
        return self.worker.cpu_s()


def cpu_s(pid: int) -> float:
    """Return a process's user and system time."""
    spent = psutil.Process(pid).cpu_times()
    return spent.user + spent.system


async def ended(client: Client, asked: Asked, within_s: float) -> Came:
    """Start what is asked for, unless it runs already, and return what it came to in time."""
    try:
        handle = await client.start_workflow(
            asked.workflow, args=asked.arguments, id=asked.run_id, task_queue=asked.queue
        )
    except WorkflowAlreadyStartedError:
        handle = client.get_workflow_handle(asked.run_id)
    how, why = "completed", ""
    try:
        async with asyncio.timeout(within_s):
            result: object = await handle.result()
        if isinstance(result, dict):
            why = str(cast("dict[str, object]", result).get("outcome", ""))
    except TimeoutError:
        how = ""
    except WorkflowFailureError as error:
        how, why = "failed", str(error.cause)
    info = (await handle.describe()).raw_description.workflow_execution_info
    if not how:
        await handle.terminate("the comparison has seen enough")
    return Came(how, why, info.history_size_bytes)
