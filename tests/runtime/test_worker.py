"""The worker as a process: ready when it polls, and gone in order."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from temporalio.testing import WorkflowEnvironment

from runtime.settings import PROJECT

Start = Callable[..., "asyncio.Future[Process]"]
SECRET = "sk-do-not-show"


@pytest.fixture
async def start(server: WorkflowEnvironment, tmp_path: Path) -> AsyncGenerator[Start]:
    """Starts `worker.py` against the session's server; what still runs is killed at the end."""
    started: list[Process] = []
    environment = {
        **os.environ,
        "HOLDFAST_HOME": str(tmp_path),
        "HOLDFAST_METRICS_PORT": "0",
        "TEMPORAL_ADDRESS": server.client.service_client.config.target_host,
        "OPENAI_API_KEY": SECRET,
    }

    async def run(*arguments: str, **changed: str) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "worker.py",
            *arguments,
            cwd=PROJECT,
            env={**environment, **changed},
            stderr=PIPE,
        )
        started.append(process)
        return process

    yield lambda *arguments, **changed: asyncio.ensure_future(run(*arguments, **changed))
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _until(process: Process, event: str) -> dict[str, str]:
    """Return the first log line with `event`; every line before it has to be JSON too."""
    assert process.stderr is not None
    async for line in process.stderr:
        logged = json.loads(line)
        if logged["event"] == event:
            return logged
    raise AssertionError(f"the worker ended without {event!r}")


async def _answers(url: str, status: int) -> str:
    """Return the page once it answers with `status`; the test's timeout bounds the wait."""
    async with httpx.AsyncClient(trust_env=False) as http:
        while True:
            answer = await http.get(url)
            if answer.status_code == status:
                return answer.text
            await asyncio.sleep(0.05)


async def test_a_worker_is_ready_when_it_polls_and_stops_with_zero(start: Start) -> None:
    """/readyz waits for the pollers, /metrics shows both sources, SIGTERM ends with exit code 0."""
    worker = await start()

    page = (await _until(worker, "serving"))["page"]
    ready = await _answers(f"{page}/readyz", 200)
    metrics = await _answers(f"{page}/metrics", 200)
    missing = await _answers(f"{page}/nothing", 404)
    worker.send_signal(signal.SIGTERM)
    _, rest = await worker.communicate()

    assert ready == "ready\n"
    assert "holdfast_transcript_misses" in metrics
    assert "temporal_num_pollers" in metrics
    assert "/readyz" in missing
    assert worker.returncode == 0
    assert SECRET not in rest.decode()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_that_is_told_before_it_polls_stops_too(
    start: Start, signum: signal.Signals
) -> None:
    """A signal at the first moment is not lost."""
    worker = await start()

    await _until(worker, "serving")
    worker.send_signal(signum)
    await worker.communicate()

    assert worker.returncode == 0


async def test_an_unknown_queue_is_refused(start: Start) -> None:
    """A queue that nothing is served on is one line that lists the ones there are."""
    worker = await start("--queues", "nonsense")

    _, said = await worker.communicate()

    assert worker.returncode == 1
    last = said.decode().strip().splitlines()[-1]
    assert last.startswith("worker: no queue is called 'nonsense'; there are ['holdfast'")


async def test_no_server_is_one_line(start: Start) -> None:
    """A worker without a server says what to correct, and shows no traceback."""
    worker = await start(TEMPORAL_ADDRESS="127.0.0.1:1")

    _, said = await worker.communicate()

    assert worker.returncode == 1
    assert "no Temporal server answers at '127.0.0.1:1'" in said.decode()
    assert "Traceback" not in said.decode()
