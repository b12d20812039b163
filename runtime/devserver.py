"""The embedded development server: started on demand, found again, stopped on demand.

It is a process of its own whose state is a file under `.holdfast`, so runs outlive both the
command that started it and the server itself.
"""

import asyncio
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from google.protobuf.duration_pb2 import Duration
from pydantic import BaseModel, ValidationError
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from runtime import server_binary
from runtime.matching import FAIRNESS, fairness
from runtime.search_attributes import SEARCH_ATTRIBUTES
from runtime.server_binary import BinaryMissing
from runtime.settings import Settings, SettingsError

_FLAGS: Final = (
    # The defaults read one shard's tasks 20 times a second: 101 ms a step instead of 15 ms.
    "--dynamic-config-value=history.transferProcessorMaxPollRPS=2000",
    "--dynamic-config-value=history.timerProcessorMaxPollRPS=2000",
    # The first activity comes back with the decision that scheduled it.
    "--dynamic-config-value=system.enableActivityEagerExecution=true",
    "--sqlite-pragma=journal_mode=wal",
    "--sqlite-pragma=synchronous=full",
    *(f"--search-attribute={name}={kind}" for name, kind in SEARCH_ATTRIBUTES.items()),
)
SERVER_FLAGS: Final = (*_FLAGS, *FAIRNESS)
"""What the measured figures hold for; tests start their server with the same."""

_HOST: Final = "127.0.0.1"
_START_TIMEOUT_S: Final = 60.0
_STOP_TIMEOUT_S: Final = 10.0


class ServerFailed(RuntimeError):
    """The embedded server did not start; the message holds its last line."""


class Server(BaseModel):
    """A running embedded server, as recorded in `.holdfast/server.json`.

    Attributes:
        fair: Tenants take turns on queues that they share; not so at the first start with a file
            of before in which tasks wait.
    """

    pid: int
    address: str
    ui: str
    fair: bool = False

    def is_alive(self) -> bool:
        """Say whether the process exists and its port answers."""
        _reap(self.pid)
        return _exists(self.pid) and _answers(self.address)


def find(settings: Settings) -> Server | None:
    """Return the running server; a record of one that is gone counts as none."""
    try:
        server = Server.model_validate_json(_record(settings).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return server if server.is_alive() else None


async def start(settings: Settings) -> Server:
    """Start the server, or return the one that runs.

    Raises:
        BinaryMissing: there is no temporal binary; `make temporal` gets one.
        ServerFailed: it ended, or did not answer in a minute.
    """
    home = settings.prepare_home()
    with _locked(home / "server.lock"):
        running = find(settings)
        if running is not None:
            return running
        binary = server_binary.find(settings)
        if binary is None:
            raise BinaryMissing("no temporal binary found; run `make temporal`, which gets one")
        server = _spawn(binary, settings)
        await _until_ready(server, settings)
        _write(_record(settings), server)
        return server


def stop(settings: Settings) -> bool:
    """Stop the server, and return whether one ran. Its runs stay in its file."""
    server = find(settings)
    _record(settings).unlink(missing_ok=True)
    if server is None:
        return False
    for signum in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(server.pid, signum)
        if _ended(server.pid, _STOP_TIMEOUT_S):
            break
    return True


def log_file(settings: Settings) -> Path:
    """Return where the server writes what it has to say."""
    return settings.home / "server.log"


def _record(settings: Settings) -> Path:
    return settings.home / "server.json"


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Hold a lock, so that two commands at once do not start two servers on one file."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _spawn(binary: Path, settings: Settings) -> Server:
    port = _free_port(settings.server_port)
    ui_port = _free_port(settings.ui_port)
    file = settings.home / "temporal.db"
    fair = fairness(file)
    command = [
        str(binary),
        "server",
        "start-dev",
        f"--ip={_HOST}",
        f"--port={port}",
        f"--ui-port={ui_port}",
        f"--db-filename={file}",
        "--log-level=error",
        *_FLAGS,
        *fair,
    ]
    log = str(log_file(settings))
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    pid = os.posix_spawn(
        command[0],
        command,
        # The caller's profile must not redirect the server's own command line.
        {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        # A group of its own: Ctrl-C in the terminal must not take the server with it.
        setpgroup=0,
    )
    return Server(
        pid=pid, address=f"{_HOST}:{port}", ui=f"http://{_HOST}:{ui_port}", fair=bool(fair)
    )


async def _until_ready(server: Server, settings: Settings) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        _reap(server.pid)
        if not _exists(server.pid):
            raise ServerFailed(f"the embedded Temporal server ended: {_last_line(settings)}")
        with suppress(RuntimeError, RPCError):
            client = await Client.connect(server.address)
            await _keep_closed_runs(client, settings.retention)
            return
        await asyncio.sleep(0.1)
    os.kill(server.pid, signal.SIGKILL)
    raise ServerFailed(
        f"the embedded Temporal server did not answer at {server.address!r} in "
        f"{_START_TIMEOUT_S:.0f} s; read {str(log_file(settings))!r}"
    )


async def _keep_closed_runs(client: Client, retention: timedelta) -> None:
    """Set how long closed runs stay; the command line has no flag, and its default is a day."""
    service, name = client.workflow_service, client.namespace
    described = await service.describe_namespace(DescribeNamespaceRequest(namespace=name))
    if described.config.workflow_execution_retention_ttl.ToTimedelta() != retention:
        ttl = Duration()
        ttl.FromTimedelta(retention)
        config = NamespaceConfig(workflow_execution_retention_ttl=ttl)
        await service.update_namespace(UpdateNamespaceRequest(namespace=name, config=config))


def _free_port(preferred: int) -> int:
    for port in (preferred, 0):
        with closing(socket.socket()) as probe, suppress(OSError):
            # As the server itself does, or a port in TIME_WAIT would look taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((_HOST, port))
            return int(probe.getsockname()[1])
    raise ServerFailed(f"no free port on {_HOST}; close some programs that listen there")


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with suppress(OSError), socket.create_connection((host, int(port)), timeout=2):
        return True
    return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _reap(pid: int) -> None:
    """Take leave of an ended child, or it would look alive; another's child is not ours to."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _ended(pid: int, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        _reap(pid)
        if not _exists(pid):
            return True
        time.sleep(0.05)
    return False


def _last_line(settings: Settings) -> str:
    lines = log_file(settings).read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"it said nothing in {str(log_file(settings))!r}"


def _write(path: Path, server: Server) -> None:
    """Replace the record in one step: a reader sees the old one or the new one."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(server.model_dump_json())
    temporary.replace(path)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this module is also a command


def main(verb: str) -> int:
    """Serve `python -m runtime.devserver install|start|stop|status`."""
    settings = Settings.load()
    if verb == "install":
        # Where another server is named, no binary is needed.
        if "TEMPORAL_ADDRESS" not in os.environ:
            server_binary.install(settings)
    elif verb == "start":
        server = asyncio.run(start(settings))
        _say(f"Temporal at {server.address}, its UI at {server.ui}")
    elif verb == "stop":
        _say("stopped" if stop(settings) else "no embedded server runs")
    elif verb == "status":
        server = find(settings)
        _say(f"Temporal at {server.address}, its UI at {server.ui}" if server else "not running")
    else:
        _say(f"unknown command {verb!r}; expected install, start, stop or status")
        return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "status"))
    except (BinaryMissing, ServerFailed, SettingsError) as failure:
        sys.exit(str(failure))
