"""Runs one command confined and watches over it; a process of its own, started by `run.py`.

Reads a `Spec` as one line of JSON; answers with one line. Its standard input stays open: when
it ends, whoever asked is gone, and the command with all that it started is killed. So it is at
the time limit, and when memory, processes or output go beyond theirs.
"""

import json
import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import Any, Final

from agents.confine import kernel, room
from agents.confine.room import LEVELS, Spec

_LOOK_S: Final = 0.02
_MEASURE_EVERY: Final = 5  # looks
_CHUNK: Final = 65_536
_KEPT_HEAD: Final = 0.3  # of the output that is kept; the rest of it is the end's
_FLOOD: Final = 50  # times the output that is kept: a command that never stops talking
_PAGE: Final = os.sysconf("SC_PAGESIZE")
_MIB: Final = 1 << 20


class Output:
    """The beginning and the end of what a command says."""

    def __init__(self, most: int) -> None:
        self._head_most = int(most * _KEPT_HEAD)
        self._tail_most = most - self._head_most
        self._head = b""
        self._tail = b""
        self.total = 0

    def add(self, chunk: bytes) -> None:
        """Take what was said next."""
        self.total += len(chunk)
        room_left = self._head_most - len(self._head)
        self._head += chunk[:room_left]
        self._tail = (self._tail + chunk[room_left:])[-self._tail_most :]

    def text(self) -> tuple[str, int]:
        """Return what is kept, and how many bytes between the two are not."""
        dropped = self.total - len(self._head) - len(self._tail)
        between = f"\n[… {dropped} bytes left out …]\n".encode() if dropped else b""
        return (self._head + between + self._tail).decode("utf-8", "replace"), dropped


def main() -> None:
    """Run what standard input says, at the most confined level that the system allows."""
    spec: Spec = json.loads(sys.stdin.buffer.readline())
    kernel.adopt_orphans()
    refused: list[str] = []
    for level in range(spec["least"], len(LEVELS)):
        read_end, write_end = os.pipe()
        told_read, told_write = os.pipe()
        started = time.monotonic()
        child = os.fork()
        if not child:
            os.close(read_end)
            os.close(told_read)
            _become(spec, level, write_end, told_write)
        os.close(write_end)
        os.close(told_write)
        said = _begun(told_read)
        if said is None or "refused" in said:
            os.waitpid(child, 0)
            os.close(read_end)
            refused.append(str((said or {}).get("refused", "it did not begin")))
            continue
        result = _watch(spec, child, read_end, started)
        sys.stdout.write(json.dumps({**result, "confined": said, "refused": refused}) + "\n")
        return
    sys.stdout.write(json.dumps({"error": "; ".join(refused)}) + "\n")


def _begun(told: int) -> dict[str, Any] | None:
    """Wait until the command runs, or could not be shut in."""
    text = b""
    while chunk := os.read(told, _CHUNK):
        text += chunk
    os.close(told)
    return json.loads(text.splitlines()[-1]) if text else None


# --- in the child


def _become(spec: Spec, level: int, output: int, told: int) -> None:
    """Never returns: turns this process into the command, or into the parent of it."""
    try:
        kernel.die_with_parent()
        room.leave(level)
        if LEVELS[level][0] & kernel.NEW_PID:
            _stand_between()  # the first process of its namespace
            _stand_between()  # the command, whose parent reaps what it leaves behind
        os.setsid()
        landlocked = room.confine(spec, level)
        version = kernel.landlock_version()
        said = room.said(level, landlocked=landlocked, version=version)
        os.write(told, json.dumps(said).encode() + b"\n")
        _execute(spec, output)
    except BaseException as error:  # noqa: BLE001 - a forked process must not go on as its parent
        with suppress(OSError):
            os.write(told, json.dumps({"refused": f"{error}"}).encode())
    os._exit(126)


def _stand_between() -> None:
    """Fork: the child goes on, the parent waits for it and ends as it did."""
    child = os.fork()
    if not child:
        kernel.die_with_parent()
        return
    for descriptor in range(3, 64):
        with suppress(OSError):
            os.close(descriptor)
    while True:
        try:
            ended, status = os.wait()
        except ChildProcessError:
            os._exit(126)
        if ended == child:
            os._exit(_code(status))


def _execute(spec: Spec, output: int) -> None:
    quiet = os.open("/dev/null", os.O_RDONLY)
    os.dup2(quiet, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, 256)  # the news of its start among them, which ends the launcher's wait
    os.execve("/bin/sh", ["/bin/sh", "-c", spec["command"]], spec["env"])  # noqa: S606


def _code(status: int) -> int:
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


# --- in the launcher


def _watch(spec: Spec, child: int, output: int, started: float) -> dict[str, Any]:
    """Wait for the end, of its own or ours; return what it came to."""
    os.set_blocking(output, False)
    kept = Output(spec["output_bytes"])
    killed, code, looks = "", None, 0
    while not killed:
        ready, _, _ = select.select([output, 0], [], [], _LOOK_S)
        if output in ready and not _take(output, kept):
            time.sleep(_LOOK_S)  # it closed its output and goes on
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = _code(status)
            break
        looks += 1
        gone = 0 in ready and not os.read(0, _CHUNK)
        spent = time.monotonic() - started
        killed = "asker gone" if gone else _beyond(spec, spent, kept.total, looks)
    _kill_all()
    while _take(output, kept):
        pass
    text, dropped = kept.text()
    return {
        "code": code,
        "killed": killed,
        "output": text,
        "dropped": dropped,
        "seconds": round(time.monotonic() - started, 3),
    }


def _take(output: int, kept: Output) -> bool:
    """Read what is there; False where nothing is."""
    try:
        chunk = os.read(output, _CHUNK)
    except BlockingIOError:
        return False
    kept.add(chunk)
    return bool(chunk)


def _beyond(spec: Spec, seconds: float, printed: int, looks: int) -> str:
    """Return which limit the command and all its children are beyond, if any."""
    if seconds > spec["seconds"]:
        return "time"
    if printed > spec["output_bytes"] * _FLOOD:
        return "output"
    if looks % _MEASURE_EVERY:
        return ""
    family = _family()
    if len(family) > spec["processes"]:
        return "processes"
    return "memory" if sum(map(_resident, family)) > spec["memory_mb"] * _MIB else ""


def _kill_all() -> None:
    """Kill whatever descends from here, until nothing does; orphans come here too."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        family = _family()
        for process in family:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def _family() -> list[int]:
    """Return every process below this one."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (parent := _parent(name)) is not None:
            parents.setdefault(parent, []).append(int(name))
    found: list[int] = []
    left = [os.getpid()]
    while left:
        below = parents.get(left.pop(), [])
        found += below
        left += below
    return found


def _parent(process: str) -> int | None:
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            state, parent = file.read().rpartition(b")")[2].split()[:2]
    except (OSError, ValueError):
        return None
    return None if state in {b"Z", b"X"} else int(parent)


def _resident(process: int) -> int:
    try:
        with open(f"/proc/{process}/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0
