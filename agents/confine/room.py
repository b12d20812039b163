"""The room a command runs in: namespaces, a root of its own, Landlock, limits.

Runs between `fork` and `exec`, in the launcher's process. What the system refuses raises
`OSError`, and the launcher tries the next level: `LEVELS` has them, from the most confined.
"""

import fcntl
import os
import resource
import socket
import struct
from typing import Any, Final, TypedDict

from agents.confine import kernel

_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1
_DEVICES: Final = ("null", "zero", "full", "random", "urandom")
_MIB: Final = 1 << 20
# Address space may be reserved and never used; what counts against memory is the data.
_ADDRESSES: Final = 8
_OPEN_FILES: Final = 1_024


class Spec(TypedDict):
    """What the launcher is told, as JSON on its first line.

    Attributes:
        command: For `/bin/sh -c`.
        cwd: Where it runs.
        folder: What it may write to; `cwd` is below it.
        readable: Paths that it may read and execute.
        root: An empty folder that its own root is made in.
        env: All of its environment.
        least: The level to begin with: 0 is the most confined.
    """

    command: str
    cwd: str
    folder: str
    readable: list[str]
    root: str
    env: dict[str, str]
    seconds: float
    memory_mb: int
    processes: int
    file_mb: int
    output_bytes: int
    least: int


# Flags of the namespaces, and whether the root is exchanged too.
_NO_NETWORK: Final = kernel.NEW_USER | kernel.NEW_NET | kernel.NEW_IPC | kernel.NEW_UTS
LEVELS: Final = (
    (_NO_NETWORK | kernel.NEW_PID | kernel.NEW_NS, True),
    (_NO_NETWORK, False),
    (0, False),
)


def leave(level: int) -> None:
    """Leave the namespaces of the machine."""
    flags, _ = LEVELS[level]
    if flags:
        kernel.unshare(flags)
        _loopback_up()


def confine(spec: Spec, level: int) -> bool:
    """Shut this process in; return whether Landlock holds too."""
    flags, own_root = LEVELS[level]
    if own_root:
        _new_root(spec)
    os.chdir(spec["cwd"])
    _limit(spec)
    kernel.give_up_privileges()
    if not kernel.landlock_version():
        return False
    devices = (f"/dev/{name}" for name in _DEVICES)
    # In a root of its own there is nothing but what it may read.
    readable = ["/"] if own_root else [*spec["readable"], "/proc", *devices]
    writable = [spec["folder"], "/dev/null", *(["/tmp", "/dev/shm"] if own_root else [])]  # noqa: S108
    kernel.landlock(readable, writable, tcp=not flags & kernel.NEW_NET)
    return True


def _loopback_up() -> None:
    """Tests talk to themselves; a new network has its loopback down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", _IFF_UP)
        fcntl.ioctl(any_socket.fileno(), _SIOCSIFFLAGS, request)


def _new_root(spec: Spec) -> None:
    """Make a root with nothing in it but what is named, and enter it."""
    root = spec["root"]
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    bare = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("tmpfs", root, "tmpfs", bare, "mode=755,size=16m")
    for name in ("proc", "dev", "tmp", "dev/shm"):
        os.mkdir(f"{root}/{name}")
    for name in ("tmp", "dev/shm"):
        kernel.mount("tmpfs", f"{root}/{name}", "tmpfs", bare, f"size={spec['file_mb']}m")
    kernel.mount("proc", f"{root}/proc", "proc", bare | kernel.MS_NOEXEC)
    for name in _DEVICES:
        _bind(root, f"/dev/{name}")
    for name, number in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{number}", f"{root}/dev/{name}")
    for path in sorted(spec["readable"]):
        if os.path.islink(path):
            _link(root, path)
        elif os.path.exists(path) and not os.path.exists(f"{root}{path}"):
            _bind(root, path)
            kernel.read_only(f"{root}{path}")
    _bind(root, spec["folder"])
    kernel.enter_root(root)


def _bind(root: str, path: str) -> None:
    """Show `path` below `root`, where it is in the machine."""
    target = f"{root}{path}"
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    kernel.mount(path, target, flags=kernel.MS_BIND | kernel.MS_REC)


def _link(root: str, path: str) -> None:
    """Show a link such as /bin as the link that it is."""
    target = f"{root}{path}"
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if not os.path.lexists(target):
        os.symlink(os.readlink(path), target)


def _limit(spec: Spec) -> None:
    memory = spec["memory_mb"] * _MIB
    # Of all cores together; what ends a command that sleeps is the launcher's clock.
    seconds = (int(spec["seconds"]) + 1) * (os.cpu_count() or 1)
    wanted: dict[int, int] = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_DATA: memory,
        resource.RLIMIT_AS: memory * _ADDRESSES,
        resource.RLIMIT_FSIZE: spec["file_mb"] * _MIB,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
    }
    for what, most in wanted.items():
        _, hard = resource.getrlimit(what)
        fits = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (fits, fits))


def said(level: int, *, landlocked: bool, version: int) -> dict[str, Any]:
    """Return what is in force, for the result."""
    flags, own_root = LEVELS[level]
    network = bool(flags & kernel.NEW_NET)
    no_tcp = landlocked and not network and version >= kernel.TCP_SINCE
    how = [
        *(["a network of its own"] if network else []),
        *(["a root of its own"] if own_root else []),
        *(["processes of its own"] if flags & kernel.NEW_PID else []),
        *([f"Landlock {version}"] if landlocked else []),
        *(["no TCP, by Landlock"] if no_tcp else []),
    ]
    return {"network": network, "filesystem": own_root or landlocked, "how": how}
