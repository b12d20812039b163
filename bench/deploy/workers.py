"""Workers of one build beside a rig, and commands run with the code of a build."""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.drill.rig import Rig
from commands.processes import Child

_SERVES_S: Final = 90.0
_LOOK_S: Final = 0.1
_GATE_S: Final = 280.0


@dataclass
class Build:
    """A copy of the code, and the workers that serve it.

    Attributes:
        name: Its build id, where workers have versions.
        deployment: Empty where they have none.
    """

    name: str
    code: Path
    rig: Rig
    deployment: str = ""
    workers: list[Child] = field(default_factory=list[Child])

    def env(self) -> dict[str, str]:
        """Return the environment of its processes."""
        own = {"HOLDFAST_DEPLOYMENT": self.deployment, "HOLDFAST_BUILD_ID": self.name}
        return {**self.rig.stack.env, **(own if self.deployment else {})}

    async def add(self) -> Child:
        """Start one more worker, and return when it asks for work."""
        name = f"{self.name} {len(self.workers) + 1}"
        log = self.rig.home / f"worker-{name.replace(' ', '-')}.log"
        child = Child(name, [str(self.code / "worker.py")], self.env(), log, grace_s=180)
        await child.start()
        self.workers.append(child)
        await self._serves(child, log)
        return child

    async def _serves(self, child: Child, log: Path) -> None:
        """Wait for its own word: the server lists those of the current version only."""
        deadline = time.monotonic() + _SERVES_S
        while not _serving(log):
            if not child.alive:
                raise await child.failure()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{child.name} does not serve; read {str(log)!r}")
            await asyncio.sleep(_LOOK_S)

    async def stop(self) -> list[int]:
        """Stop all its workers in order, and return their exit codes."""
        return list(await asyncio.gather(*(child.stop() for child in self.workers)))

    async def run(self, *arguments: str) -> "Ran":
        """Run a command of this build to its end."""
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(self.code / "starter.py"),
            *arguments,
            env=self.env(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(_GATE_S):
            out, err = await process.communicate()
        code = process.returncode or 0
        return Ran(code, out.decode(), err.decode(), time.monotonic() - began)


def _serving(log: Path) -> bool:
    return b'"serving"' in log.read_bytes()


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def json(self) -> Any:
        """What it printed.

        Raises:
            RuntimeError: It printed something else.
        """
        try:
            return json.loads(self.out)
        except ValueError:
            raise RuntimeError(f"exit code {self.code}: {self.err.strip()[-400:]}") from None
