"""Everything that local use needs: server, offline model where no key is set, one worker."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from temporalio.envconfig import ClientConfig

from commands import tenure
from commands.bench import OFFLINE_RECORD
from commands.errors import CommandError
from commands.processes import Child
from commands.session import Session
from runtime import devserver
from runtime.settings import Settings, variable_of

# A worker serves after two seconds; with seven busy processes a core it took half a minute.
_READY_TIMEOUT_S: Final = 180.0
_MOST_RESTARTS: Final = 5
# A process that lived this long was well: its end is a new matter, not the same one again.
_WELL_AFTER_S: Final = 30.0

Say = Callable[[str], None]


@dataclass
class Stack:
    """The processes of one `up` or `demo`.

    Attributes:
        env: Environment of the children.
        own_server: The server was started here, so it is stopped here.
    """

    settings: Settings
    env: dict[str, str]
    say: Say
    own_server: bool = False
    ui: str = ""
    address: str = ""
    offline: Child | None = None
    worker: Child | None = None
    _holds: bool = False
    _keepers: list["asyncio.Task[None]"] = field(default_factory=list["asyncio.Task[None]"])

    async def start(self, *misbehave: str) -> None:
        """Start what a worker needs: the server and the offline model, both at once.

        Args:
            misbehave: Rules for the model, as `python -m runtime.offline --misbehave` takes them.

        Raises:
            BinaryMissing: There is no server to start.
            ServerFailed: It did not come up.
            CommandError: Another command serves here, or the model did not come up.
        """
        inherited = await asyncio.to_thread(tenure.claim, self.settings.prepare_home())
        self._holds = True
        await asyncio.gather(
            self._start_server(inherited=inherited), self._start_offline(misbehave)
        )

    async def _start_server(self, *, inherited: bool) -> None:
        """Start the embedded server, unless the environment or a profile names another."""
        configured = ClientConfig.load_client_connect_config().get("target_host")
        if configured:
            self.address = configured
            return
        # One that a killed command has left is nobody else's any more.
        self.own_server = inherited or devserver.find(self.settings) is None
        server = await devserver.start(self.settings)
        self.address, self.ui = server.address, server.ui

    async def _start_offline(self, misbehave: Sequence[str]) -> None:
        """Start the offline model, where no vendor's key is set."""
        if self.settings.openai_api_key or self.settings.anthropic_api_key:
            return
        rules = [part for rule in misbehave for part in ("--misbehave", rule)]
        self.offline = self._child(
            "offline model",
            ["-m", "runtime.offline", "--with-parent", *rules],
            "offline.log",
            wants_line=True,
        )
        await self.offline.start()
        self._note()
        address = str(json.loads(self.offline.line)["address"])
        self.env[variable_of("offline_url")] = address
        self._record().write_text(self.offline.line, encoding="utf-8")
        # Should it die, it comes back where the worker looks for it.
        self.offline.argv = [*self.offline.argv, "--port", address.rpartition(":")[2]]

    async def start_worker(self) -> None:
        """Start the worker; `ready` says when it serves."""
        graceful = self.settings.graceful_timeout.total_seconds()
        self.worker = self._child("worker", ["worker.py"], "worker.log", grace_s=graceful + 10)
        await self.worker.start()
        self._note()

    async def ready(self, session: Session, since: float) -> None:
        """Wait until the worker asks for work.

        Raises:
            CommandError: It ended instead, or does not in three minutes.
        """
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.worker is not None and not self.worker.alive:
                raise await self.worker.failure()
            if await session.workers(since=since):
                return
            await asyncio.sleep(0.1)
        raise CommandError(
            f"the worker did not serve {self.settings.task_queue!r} in {_READY_TIMEOUT_S:.0f} s; "
            f"read {str(self.settings.home / 'worker.log')!r}"
        )

    def keep_alive(self) -> None:
        """Start again what dies, a few times."""
        for child in (self.offline, self.worker):
            if child is not None:
                self._keepers.append(asyncio.create_task(self._keep(child)))

    async def failed(self) -> None:
        """Wait until something has died too often.

        Raises:
            CommandError: Says what, and its last words.
        """
        done, _ = await asyncio.wait(self._keepers, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def stop(self) -> None:
        """Stop everything in order: who works, who answers, who remembers."""
        for task in self._keepers:
            task.cancel()
        for child in (self.worker, self.offline):
            if child is not None:
                await child.stop()
        if self.offline is not None:
            self._record().unlink(missing_ok=True)
        if not self._holds:
            return
        tenure.leave(self.settings.home)
        if self.own_server:
            await asyncio.to_thread(devserver.stop, self.settings)

    def _note(self) -> None:
        """Write the children down, so that they are found should this process be killed."""
        found = [(self.worker, "worker.py"), (self.offline, "runtime.offline")]
        children = {child.pid: word for child, word in found if child is not None and child.pid}
        tenure.note(self.settings.home, children)

    def _record(self) -> Path:
        """Return where other commands find the offline model, to ask what it has counted."""
        return self.settings.prepare_home() / OFFLINE_RECORD

    async def _keep(self, child: Child) -> None:
        restarts = 0
        while True:
            began = time.monotonic()
            code = await child.ended()
            restarts = 0 if time.monotonic() - began > _WELL_AFTER_S else restarts + 1
            if restarts > _MOST_RESTARTS:
                raise await child.failure()
            self.say(f"the {child.name} ended (exit code {code}): {child.last_words()}; restarted")
            await asyncio.sleep(min(2 ** (restarts - 1), 10))
            await child.start()
            self._note()

    def _child(
        self, name: str, argv: list[str], log: str, *, grace_s: float = 10, wants_line: bool = False
    ) -> Child:
        path = self.settings.prepare_home() / log
        return Child(name, argv, self.env, path, grace_s=grace_s, wants_line=wants_line)
