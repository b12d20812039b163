"""One `up` or `demo` a home: who serves there, and what one that was killed left behind."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ValidationError

from commands.errors import CommandError

_RECORD: Final = "up.json"
_PROGRAM: Final = "starter.py"
_STOP_TIMEOUT_S: Final = 10.0


class Tenure(BaseModel):
    """Who serves a home: the command, and its children by their id.

    Attributes:
        children: Process id to a word of its command line, since ids are used again.
    """

    pid: int
    children: dict[int, str] = {}


def claim(home: Path) -> bool:
    """Take a home over, and return whether one that was killed had it before.

    Raises:
        CommandError: Somebody serves there.
    """
    before = _read(home)
    if before is not None and before.pid != os.getpid():
        if _runs(before.pid, _PROGRAM):
            raise CommandError(
                f"`starter.py up` serves here already (pid {before.pid}); use it, or end it first"
            )
        for pid, word in before.children.items():
            if _runs(pid, word):
                _end(pid, word)
    note(home, {})
    return before is not None


def note(home: Path, children: dict[int, str]) -> None:
    """Write down who serves."""
    text = Tenure(pid=os.getpid(), children=children).model_dump_json()
    (home / _RECORD).write_text(text, encoding="utf-8")


def leave(home: Path) -> None:
    """Give the home back."""
    (home / _RECORD).unlink(missing_ok=True)


def _read(home: Path) -> Tenure | None:
    try:
        return Tenure.model_validate_json((home / _RECORD).read_bytes())
    except (OSError, ValidationError):
        return None


def _runs(pid: int, word: str) -> bool:
    """Whether a process exists and is the one that was meant."""
    return word in _command_line(pid)


def _command_line(pid: int) -> str:
    if Path("/proc/self/cmdline").exists():
        with suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
        return ""
    told = subprocess.run(  # noqa: S603 - a fixed command
        ["ps", "-p", str(pid), "-o", "command="],  # noqa: S607 - the system's own
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout


def _end(pid: int, word: str) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        while _runs(pid, word):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        else:
            return
