"""The folder of one drilled run: what happened there, and where the run is to wait.

Every line is written in one piece before the next thing happens, so what a killed process has
done can be read afterwards. A run waits at a point for as long as the drill holds it.
"""

import asyncio
import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any, Final

from agents.toolkit import ToolError

LOG: Final = "log.jsonl"
_LOOK_S: Final = 0.02


class Place:
    """One run's folder."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        if not (self.path / LOG).is_file():
            raise ToolError(f"{path!r} is no drill's folder: it has no {LOG}")

    @classmethod
    def made(cls, path: Path) -> "Place":
        """Make the folder."""
        path.mkdir(parents=True)
        (path / LOG).touch()
        return cls(str(path))

    # --- what happened

    def note(self, what: str, **fields: Any) -> None:
        """Write one line."""
        with (self.path / LOG).open("ab") as log:
            _append(log.fileno(), what, fields)

    def effect_once(self, key: str, **fields: Any) -> bool:
        """Take effect unless `key` already has, as a service that honours keys would."""
        with (self.path / LOG).open("a+b") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            if self.took_effect(key):
                return False
            _append(log.fileno(), "effect", {"key": key, **fields})
            return True

    def took_effect(self, key: str) -> bool:
        """Whether the effect with `key` is in the log."""
        return any(line["what"] == "effect" and line["key"] == key for line in self.lines())

    def lines(self) -> list[dict[str, Any]]:
        """Return what happened, in order."""
        written = (self.path / LOG).read_bytes().splitlines()
        return [json.loads(line) for line in written]

    # --- where to wait

    def hold(self, point: str) -> None:
        """Have the run wait at `point`."""
        self._held(point).touch()

    def release(self) -> None:
        """Let the run go on, wherever it waits."""
        for held in self.path.glob("hold-*"):
            held.unlink(missing_ok=True)

    async def wait_at(self, point: str) -> None:
        """Wait while `point` is held."""
        while self._held(point).exists():  # noqa: ASYNC110 - another process lets it go
            await asyncio.sleep(_LOOK_S)

    def block_at(self, point: str) -> None:
        """Wait while `point` is held, in a thread."""
        while self._held(point).exists():
            time.sleep(_LOOK_S)

    def _held(self, point: str) -> Path:
        return self.path / f"hold-{point}"


def _append(descriptor: int, what: str, fields: dict[str, Any]) -> None:
    line = json.dumps({"what": what, "at": time.time(), **fields}) + "\n"
    os.write(descriptor, line.encode())
