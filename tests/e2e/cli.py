"""The command line as people run it: a process of its own, its words and its exit code."""

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client

import starter
from runtime.settings import PROJECT

# More than all that a stopping `up` may take, one child after the other (30, 10 and 20 seconds).
PATIENCE_S = 90.0
_APP = starter.build()


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed on stdout, as JSON."""
        return json.loads(self.out)

    @property
    def line(self) -> str:
        """The error's one line."""
        return next(line for line in self.err.splitlines() if line.startswith("error: "))


@dataclass
class Cli:
    """Commands with a home of their own."""

    home: Path
    address: str = ""
    more: dict[str, str] = field(default_factory=dict[str, str])

    def __call__(self, *arguments: str) -> Ran:
        """Run a command to its end: in this process, since importing it all takes seconds."""
        out, err, codes = StringIO(), StringIO(), list[object]()

        def run() -> None:
            try:
                _APP(arguments, prog_name="starter.py")
            except SystemExit as ended:
                codes.append(ended.code)

        with _environment(self.env()), redirect_stdout(out), redirect_stderr(err):
            # A thread, since a command brings an event loop of its own.
            thread = threading.Thread(target=run)
            thread.start()
            thread.join(PATIENCE_S)
        assert not thread.is_alive(), f"{arguments} does not end: {err.getvalue()}"
        assert codes, f"{arguments} broke: {err.getvalue()}"
        ran = Ran(int(str(codes[0] or 0)), out.getvalue(), err.getvalue())
        assert "Traceback" not in ran.err, ran.err
        return ran

    def process(self, *arguments: str) -> Ran:
        """Run a command to its end as a process, as people do."""
        done = subprocess.run(  # noqa: S603 - the program under test
            [sys.executable, "starter.py", *arguments],
            cwd=PROJECT,
            env=self.env(),
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def env(self) -> dict[str, str]:
        """Return the environment: nobody's keys, nobody's server."""
        foreign = ("TEMPORAL_", "OPENAI_", "ANTHROPIC_", "HOLDFAST_", "OTEL_")
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(foreign) or name == "TEMPORAL_CLI"
        }
        own = {
            "HOLDFAST_HOME": str(self.home),
            "HOLDFAST_METRICS_PORT": "0",
            "TEMPORAL_CONFIG_FILE": os.devnull,
        }
        return {**kept, **own, **self.more}

    def misbehave(self, *rules: str) -> None:
        """Set the faults of the offline model; none clears them."""
        address = json.loads((self.home / "offline.json").read_text())["address"]
        answer = httpx.post(f"{address}/misbehave", json={"rules": rules}, trust_env=False)
        answer.raise_for_status()

    def history(self, run_id: str) -> dict[str, Any]:
        """Return a run's history as `temporal workflow show --output json` prints it."""

        async def fetched() -> str:
            client = await Client.connect(self.address)
            return (await client.get_workflow_handle(run_id).fetch_history()).to_json()

        return json.loads(asyncio.run(fetched()))

    def raw_start(self, workflow: str, run_id: str, request: object) -> None:
        """Start a run as any other client would, past all checks of ours."""

        async def started() -> None:
            client = await Client.connect(self.address)
            await client.start_workflow(workflow, request, id=run_id, task_queue="holdfast")

        asyncio.run(started())

    def terminate(self, run_id: str) -> None:
        """End a run as an operator does who has lost patience."""

        async def ended() -> None:
            client = await Client.connect(self.address)
            await client.get_workflow_handle(run_id).terminate("test")

        asyncio.run(ended())


class Up:
    """`starter.py up` in the background."""

    def __init__(self, cli: Cli) -> None:
        cli.more |= {
            "HOLDFAST_SERVER_PORT": str(free_port()),
            "HOLDFAST_UI_PORT": str(free_port()),
        }
        self._process = subprocess.Popen(
            [sys.executable, "starter.py", "up", "--json"],
            cwd=PROJECT,
            env=cli.env(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.told = self._first_object()
        cli.address = str(self.told["address"])

    def __enter__(self) -> "Up":
        """Serve for a while."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running, whatever the test has found."""
        self.stop()

    def stop(self) -> int:
        """Ask it to end, as Ctrl-C does, and return its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.communicate(timeout=PATIENCE_S)
        return self._process.returncode

    def _first_object(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        text = ""
        for line in self._process.stdout:
            text += line
            if line.startswith("}"):
                return json.loads(text)
        _, err = self._process.communicate(timeout=PATIENCE_S)
        raise AssertionError(f"`up` ended: {err}")


@contextmanager
def _environment(wanted: dict[str, str]) -> Generator[None]:
    logger = logging.getLogger("temporalio")
    before, level = dict(os.environ), logger.level
    os.environ.clear()
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        logger.setLevel(level)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def alive(pid: int) -> bool:
    """Whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
