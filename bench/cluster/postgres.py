"""A PostgreSQL of the cluster's own: its folder, its port, as safe as a default one."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT
from tempfile import TemporaryDirectory
from typing import Final

import psutil

from bench.cluster.programs import HOST, Program, finish, found, free_ports
from commands.errors import CommandError

OWNER: Final = "holdfast"
_USER: Final = "postgres"  # the system's, whom Debian's package makes
_READY_S: Final = 60.0
_CONNECTIONS: Final = 300


@dataclass
class Postgres:
    """The database server.

    Attributes:
        folder: Its data, log and socket.
        bin: Its programs.
    """

    folder: Path
    bin: Path
    port: int
    server: Program

    def url(self, database: str) -> str:
        """Return the address of one of its databases, as Holdfast takes it."""
        return f"postgresql://{OWNER}@{HOST}:{self.port}/{database}"

    async def start(self) -> None:
        """Start it and wait until it answers: after a kill, until its log is replayed."""
        await self.server.start()
        deadline = time.monotonic() + _READY_S
        while not await self._answers():
            if not self.server.alive:
                raise await self.server.failure()
            if time.monotonic() > deadline:
                raise CommandError(f"PostgreSQL did not answer in {_READY_S:.0f} s")
            await asyncio.sleep(0.05)

    def strike(self) -> list[psutil.Process]:
        """Kill it with all its processes, as a power cut would, and return them."""
        doomed = [psutil.Process(self.server.pid)]
        doomed += doomed[0].children(recursive=True)
        for process in doomed:
            process.kill()
        return doomed

    async def again(self, doomed: list[psutil.Process], after_s: float = 0) -> None:
        """Start it so long after it was struck."""
        await self.server.ended()
        await asyncio.to_thread(psutil.wait_procs, doomed[1:], 10)
        await asyncio.sleep(after_s)
        await self.start()

    async def stop(self) -> None:
        """Stop it, whoever is still connected."""
        if self.server.alive:
            psutil.Process(self.server.pid).send_signal(SIGINT)  # SIGTERM waits for its clients
            await self.server.ended()

    async def create(self, *databases: str) -> None:
        """Make databases that are not there yet."""
        for name in databases:
            await self.run("createdb", name)

    async def run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs against it, and return what it said."""
        where = ["-h", HOST, "-p", str(self.port), "-U", OWNER]
        return await finish([str(self.bin / program), *where, *arguments], user=_USER)

    async def _answers(self) -> bool:
        try:
            await self.run("pg_isready", "-q", "-d", "postgres")
        except CommandError:
            return False
        return True


@asynccontextmanager
async def postgres() -> AsyncGenerator[Postgres]:
    """Make a server, start it, and leave nothing of it behind."""
    programs = _programs()
    # Not below the cluster's home: PostgreSQL needs a folder that another user can reach.
    with TemporaryDirectory(prefix="holdfast-postgres-") as home:
        folder = Path(home)
        if os.getuid() == 0:
            shutil.chown(folder, _USER)
        data = folder / "data"
        new = ["-D", str(data), "-U", OWNER, "-A", "trust", "-E", "UTF8"]
        await finish([str(programs / "initdb"), *new], user=_USER)
        made = _described(folder, programs, data)
        try:
            await made.start()
            yield made
        finally:
            await made.stop()


def _programs() -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    # The programs' own folder: only some of them are linked to elsewhere.
    return found("initdb", *installed).resolve().parent


def _described(folder: Path, programs: Path, data: Path) -> Postgres:
    [port] = free_ports(1)
    settings = {
        "port": port,
        "listen_addresses": HOST,
        "unix_socket_directories": folder,
        "max_connections": _CONNECTIONS,
        "shared_buffers": "256MB",
        "fsync": "on",
        "synchronous_commit": "on",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    argv = [str(programs / "postgres"), "-D", str(data), *options]
    server = Program(
        "PostgreSQL", argv, {"PATH": os.defpath, "LANG": "C.UTF-8"}, folder / "log",
        user=_USER, last_signal="QUIT",
    )  # fmt: skip
    return Postgres(folder, programs, port, server)
