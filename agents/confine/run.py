"""Running a command confined, from an activity: what it may see, and what came of it."""

import asyncio
import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from agents.confine.room import Spec
from domain.command import CommandLimits, CommandRun, Confinement

_PROJECT: Final = Path(__file__).parents[2]
_START: Final = (
    "import sys; sys.path.insert(0, {!r}); from agents.confine import launcher; launcher.main()"
)
_GRACE_S: Final = 20.0
"""What the launcher gets beyond the command's time, to kill and to report."""
_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix")
# Not all of /etc: a worker of root could read its passwords.
_ETC: Final = (
    "alternatives",
    "ca-certificates",
    "group",
    "host.conf",
    "hosts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "pki",
    "protocols",
    "services",
    "ssl",
    "timezone",
)
# Not `share`: below a home's .local it holds what programs keep for a person.
_BESIDE_BIN: Final = ("bin", "lib", "lib64", "libexec", "include", "pyvenv.cfg")
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ConfineError(RuntimeError):
    """The command could not be started at all: nothing of it ran."""


def unconfinable() -> str:
    """Return why no command can be confined on this system; empty where one can be."""
    if sys.platform.startswith("linux"):
        return ""
    return f"commands are confined on Linux alone, and this is {sys.platform}; run the worker there"


async def run(
    command: str,
    *,
    cwd: Path,
    folder: Path,
    limits: CommandLimits,
    readable: Sequence[str] = (),
    least: int = 0,
) -> CommandRun:
    """Run `command` with `/bin/sh`, able to write to `folder` alone.

    Its environment is made here: nothing of the worker's goes into it but the search path.

    Args:
        command: What to run.
        cwd: Where; in `folder`.
        folder: A folder of its own, which it may fill as it likes.
        limits: Of time, memory, processes and output.
        readable: More that it may read, for example a virtual environment.
        least: Begin with a less confined level, to try that one.

    Raises:
        ConfineError: The launcher did not run.
    """
    spec = _spec(command, cwd, folder, limits, readable)
    spec["least"] = least
    try:
        return _ran(await _launched(spec, limits.seconds + _GRACE_S))
    finally:
        with suppress(OSError):
            os.rmdir(spec["root"])


def _spec(
    command: str, cwd: Path, folder: Path, limits: CommandLimits, readable: Sequence[str]
) -> Spec:
    folder = folder.resolve()
    home, root = folder / ".home", folder.parent / f"{folder.name}.root"
    home.mkdir(exist_ok=True)
    root.mkdir(exist_ok=True)
    return {
        "command": command,
        "cwd": str(cwd.resolve()),
        "folder": str(folder),
        "readable": _visible(command, readable),
        "root": str(root),
        "env": _environment(home),
        "seconds": limits.seconds,
        "memory_mb": limits.memory_mb,
        "processes": limits.processes,
        "file_mb": limits.file_mb,
        "output_bytes": limits.output_bytes,
        "least": 0,
    }


async def _launched(spec: Spec, patience_s: float) -> dict[str, Any]:
    """Start the launcher and return its line. However this ends, the command ends with it."""
    launcher = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-S",
        "-c",
        _START.format(str(_PROJECT)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={},
        limit=64 << 20,
    )
    if launcher.stdin is None or launcher.stdout is None or launcher.stderr is None:
        raise ConfineError("the launcher has no pipes; report this as a bug")
    try:
        launcher.stdin.write(json.dumps(spec).encode() + b"\n")
        async with asyncio.timeout(patience_s):
            await launcher.stdin.drain()
            line = await launcher.stdout.readline()
            if not line:
                raise ConfineError(f"the launcher ended: {await _words(launcher.stderr)}")
        return json.loads(line)
    except TimeoutError:
        raise ConfineError("the launcher does not answer; the command was killed") from None
    finally:
        launcher.stdin.close()  # the launcher takes its end for ours, and kills all
        await _gone(launcher)


async def _gone(launcher: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(asyncio.shield(launcher.wait()), _GRACE_S)
    except TimeoutError:
        launcher.kill()
        await launcher.wait()


async def _words(stream: asyncio.StreamReader) -> str:
    text = (await stream.read(4_000)).decode("utf-8", "replace").strip()
    return text.splitlines()[-1] if text else "it said nothing"


def _ran(told: dict[str, Any]) -> CommandRun:
    if "error" in told:
        raise ConfineError(f"the command could not be started: {told['error']}")
    said = told["confined"]
    confined = Confinement(
        network=said["network"],
        filesystem=said["filesystem"],
        how=tuple(said["how"]),
        refused=tuple(told["refused"]),
    )
    fields = ("code", "killed", "output", "dropped", "seconds")
    return CommandRun(**{name: told[name] for name in fields}, confined=confined)


def _environment(home: Path) -> dict[str, str]:
    """Return all that a command inherits: no variable of the worker's, so none of its secrets."""
    own = str(Path(sys.executable).parent)
    return {
        "PATH": f"{own}:{os.environ.get('PATH') or _PATH}",
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _visible(command: str, more: Sequence[str]) -> list[str]:
    """Return the paths that hold programs, and none that holds what a person wrote."""
    found = [*_SYSTEM, *(f"/etc/{name}" for name in _ETC), sys.prefix, sys.base_prefix]
    for folder in (os.environ.get("PATH") or _PATH).split(":"):
        found += _beside(Path(folder)) if folder.startswith("/") else []
    found += _of_program(command)
    found += [str(Path(path).expanduser().absolute()) for path in more]
    return list(dict.fromkeys(path for path in found if path != "/" and os.path.lexists(path)))


def _of_program(command: str) -> list[str]:
    """Return where the command's own program lives, such as a virtual environment it names."""
    try:
        word = shlex.split(command)[0]
    except (ValueError, IndexError):
        return []
    program = shutil.which(word)
    if program is None or not program.startswith("/"):
        return []
    real = Path(program).resolve()
    return [*_beside(Path(program).parent), *_beside(real.parent), str(real)]


def _beside(folder: Path) -> list[str]:
    """Return a folder of programs with its libraries; never the whole of what it is in."""
    if folder.name not in {"bin", "sbin"} or folder.parent == Path("/"):
        return [str(folder)]
    return [str(folder), *(str(folder.parent / name) for name in _BESIDE_BIN)]
