"""Processes of any program, which end with this one however it ends."""

import asyncio
import os
import random
import shutil
import socket
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Final

from commands.errors import CommandError
from commands.processes import Child
from runtime.settings import PROJECT

HOST: Final = "127.0.0.1"
_LOOK_S: Final = 0.02
# One that ends so soon lacks something: its database, mostly.
_SHORT_LIFE_S: Final = 10.0
_PAUSE_S: Final = 1.0
_PORTS: Final = range(20_000, 32_000)


@dataclass
class Program(Child):
    """A child whose `argv` begins with the program itself.

    The kernel sends it `last_signal` when this process is gone, so that not even SIGKILL of a
    bench leaves a server behind.

    Attributes:
        user: Who it runs as, where this process may choose: PostgreSQL refuses to be root's.
        last_signal: What it is sent when this process is gone.
    """

    user: str = ""
    last_signal: str = "KILL"
    _keeper: "asyncio.Task[None] | None" = field(default=None, repr=False)

    async def start(self) -> None:
        """Start it; that it serves is for others to find out."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *bound(self.argv, user=self.user, last_signal=self.last_signal),
                cwd=PROJECT,
                env=dict(self.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def keep(self) -> None:
        """Start it, and again whenever it has ended, as a supervisor would; returns at once."""
        await self.start()
        self._keeper = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            began = time.monotonic()
            await self.ended()
            if time.monotonic() - began < _SHORT_LIFE_S:
                await asyncio.sleep(_PAUSE_S)
            await self.start()

    async def stop(self) -> int:
        """End it for good."""
        if self._keeper is not None:
            self._keeper.cancel()
        return await super().stop()

    def strike(self) -> None:
        """Send SIGKILL at once, without waiting for the end."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, SIGKILL)

    async def again(self, before: int) -> None:
        """Wait until it runs again that was struck as process `before`."""
        while self.pid == before or not self.alive:
            await asyncio.sleep(_LOOK_S)


def bound(argv: Sequence[str], *, user: str = "", last_signal: str = "") -> list[str]:
    """Return the command line that runs `argv` as `user`, and until this process is gone."""
    launcher = shutil.which("setpriv")
    if launcher is None:
        return list(argv)
    options: list[str] = ["--pdeathsig", last_signal] if last_signal else []
    if user and os.getuid() == 0:
        options += ["--reuid", user, "--regid", user, "--clear-groups"]
    return [launcher, *options, *argv] if options else list(argv)


async def finish(argv: Sequence[str], *, user: str = "", at_most_s: float = 60) -> str:
    """Run a command to its end and return what it said.

    Raises:
        CommandError: It did not end well, or in time.
    """
    process = await asyncio.create_subprocess_exec(
        *bound(argv, user=user, last_signal="KILL"),
        cwd="/",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), at_most_s)
    except TimeoutError:
        process.kill()
        raise CommandError(f"{argv[0]} did not end in {at_most_s:.0f} s") from None
    text = said.decode(errors="replace").strip()
    if process.returncode:
        raise CommandError(f"{' '.join(argv)} ended with {process.returncode}: {text[-800:]}")
    return text


def found(name: str, *more: Path) -> Path:
    """Return a program: on PATH, in Go's folder, or one of `more`.

    Raises:
        CommandError: It is nowhere.
    """
    on_path = shutil.which(name)
    places = [Path(on_path)] if on_path else []
    places += [Path.home() / "go" / "bin" / name, *more]
    for place in places:
        if os.access(place, os.X_OK):
            return place
    raise CommandError(f"there is no {name!r}; docs/cluster.md says how to get it")


def free_ports(count: int) -> list[int]:
    """Return so many different ports of loopback that nobody has now.

    Below those that the system gives to outgoing connections: none of them may take one that a
    killed program is to come back to. Temporal on PostgreSQL could not use those either: it
    keeps its processes' ports in a column of sixteen bits with a sign.

    Raises:
        CommandError: Hardly any is free.
    """
    free: list[int] = []
    for port in random.sample(_PORTS, 50 * count):
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind((HOST, port))
            free.append(port)
        if len(free) == count:
            return free
    raise CommandError(f"no {count} free ports on {HOST}; close some programs that listen there")


async def struck(*programs: Program) -> None:
    """Strike programs at one moment, and return when their supervisor has started them again."""
    before = [(program, program.pid) for program in programs]
    for program in programs:
        program.strike()
    await asyncio.gather(*(program.again(pid) for program, pid in before))


@asynccontextmanager
async def ending_in_order() -> AsyncGenerator[None]:
    """Have SIGTERM end the body as Ctrl-C does: what it has opened is closed."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    if task is not None:
        loop.add_signal_handler(SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(SIGTERM)
