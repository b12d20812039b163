"""Child processes of a command: started, watched, stopped; never left behind."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from commands.errors import CommandError
from runtime.settings import PROJECT

_TAIL = 4_000


@dataclass
class Child:
    """One process, with its own log file.

    Attributes:
        name: As people read it.
        argv: Arguments of this interpreter.
        env: The whole environment of the process.
        log: Where its output goes.
        grace_s: What it gets after SIGTERM before SIGKILL.
        wants_line: Its first line on stdout says that it serves; it is kept in `line`.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log: Path
    grace_s: float = 10
    wants_line: bool = False
    line: str = ""
    _process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """The process's id, 0 where there is none."""
        return self._process.pid if self._process else 0

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it.

        Raises:
            CommandError: It ended before it said that it serves.
        """
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self.argv,
                cwd=PROJECT,
                env=dict(self.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if self.wants_line else log,
                stderr=log,
                # Ctrl-C in the terminal is for the command, which stops its children in order.
                start_new_session=True,
            )
        if self.wants_line and self._process.stdout is not None:
            self.line = (await self._process.stdout.readline()).decode(errors="replace").strip()
            if not self.line:
                raise await self.failure()

    async def ended(self) -> int:
        """Wait for its end and return its exit code."""
        if self._process is None:
            return 0
        return await self._process.wait()

    async def stop(self) -> int:
        """End it: SIGTERM, and SIGKILL where that is not heard in time."""
        if self._process is None or self._process.returncode is not None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self._process.wait(), self.grace_s)
        except TimeoutError:
            return await self.kill()

    async def kill(self) -> int:
        """End it with SIGKILL, as a power cut would."""
        if self._process is None or self._process.returncode is not None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)
        return await self._process.wait()

    async def failure(self) -> CommandError:
        """Return the error for a process that ended when it should serve."""
        code = await self.ended()
        return CommandError(
            f"the {self.name} ended (exit code {code}): {self.last_words()}; "
            f"its log is {str(self.log)!r}"
        )

    def last_words(self) -> str:
        """Return the last line that it wrote."""
        with contextlib.suppress(OSError):
            text = self.log.read_bytes()[-_TAIL:].decode(errors="replace")
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            if lines:
                return lines[-1][:400]
        return "it said nothing"
