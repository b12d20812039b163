"""The system calls that confine a process, where Python has none: Linux, by `ctypes`.

Each raises `OSError` where the kernel, a container or a policy refuses it; the launcher then
tries with less and says so. Nothing here is imported by the worker itself.
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from typing import Final

NEW_NS: Final = 0x00020000
NEW_UTS: Final = 0x04000000
NEW_IPC: Final = 0x08000000
NEW_USER: Final = 0x10000000
NEW_PID: Final = 0x20000000
NEW_NET: Final = 0x40000000

MS_RDONLY: Final = 0x1
MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_BIND: Final = 0x1000
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 0x40000
DETACH: Final = 2

_SET_PDEATHSIG: Final = 1
_SET_SUBREAPER: Final = 36
_SET_NO_NEW_PRIVS: Final = 38
_CAPBSET_DROP: Final = 24
_MOST_CAPABILITIES: Final = 64
# The same numbers on every architecture: all came after the tables were joined.
_MOUNT_SETATTR: Final = 442
_LANDLOCK_CREATE: Final = 444
_LANDLOCK_ADD: Final = 445
_LANDLOCK_RESTRICT: Final = 446
_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41}
_AT_RECURSIVE: Final = 0x8000
_ATTR_RDONLY_NOSUID: Final = 0x3
_PATH_BENEATH: Final = 1
_VERSION: Final = 1

_READS: Final = 0b1101  # execute, read a file, read a folder
_FILE_RIGHTS: Final = 0b1100_0000_0000_0111  # of those, what a rule on a file may name
_FS_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # how many rights a version knows
_TCP: Final = 0b11
_SCOPES: Final = 0b11
TCP_SINCE: Final = 4
_SCOPES_SINCE: Final = 6

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _syscall(what: str, number: int, *arguments: object) -> int:
    return _checked(_libc.syscall(ctypes.c_long(number), *arguments), what)


def _prctl(option: int, value: int = 0) -> int:
    zero = ctypes.c_ulong(0)
    return int(_libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero))


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies."""
    _checked(_prctl(_SET_PDEATHSIG, 9), "prctl")


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies, so that none gets away."""
    _prctl(_SET_SUBREAPER, 1)


def give_up_privileges() -> None:
    """Make what is executed from here on unable to gain any capability, as root too."""
    for capability in range(_MOST_CAPABILITIES):
        if _prctl(_CAPBSET_DROP, capability) < 0:
            break
    _checked(_prctl(_SET_NO_NEW_PRIVS, 1), "prctl")


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` name; one of users maps the user to itself."""
    user, group = os.getuid(), os.getgid()
    _checked(_libc.unshare(flags), "unshare")
    if flags & NEW_USER:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount something in this process's own table of mounts."""
    result = _libc.mount(
        source.encode(),
        target.encode(),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        options.encode() or None,
    )
    _checked(result, f"mount {target}")


def read_only(target: str) -> None:
    """Make a mount, and all that is mounted below it, unwritable."""
    attributes = struct.pack("QQQQ", _ATTR_RDONLY_NOSUID, 0, 0, 0)
    path = ctypes.c_char_p(target.encode())
    flags = ctypes.c_uint(_AT_RECURSIVE)
    size = ctypes.c_size_t(len(attributes))
    _syscall("mount_setattr", _MOUNT_SETATTR, ctypes.c_int(-100), path, flags, attributes, size)


def enter_root(root: str) -> None:
    """Make `root` the only root there is."""
    number = _PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(38, f"pivot_root: its number on {os.uname().machine} is not known")
    os.chdir(root)
    here = ctypes.c_char_p(b".")
    _syscall("pivot_root", number, here, here)
    _checked(_libc.umount2(b".", DETACH), "umount2")
    os.chdir("/")


def landlock_version() -> int:
    """Return which version of Landlock the kernel has, 0 for none."""
    none = ctypes.c_void_p(None)
    found = _libc.syscall(
        ctypes.c_long(_LANDLOCK_CREATE), none, ctypes.c_size_t(0), ctypes.c_uint(_VERSION)
    )
    return max(int(found), 0)


def landlock(readable: Iterable[str], writable: Iterable[str], *, tcp: bool) -> None:
    """Refuse this process and its children every file but those named.

    Args:
        readable: What may be read and executed, with all below it.
        writable: What may also be changed.
        tcp: Refuse TCP too, where the kernel can.
    """
    version = landlock_version()
    rights = (1 << _FS_RIGHTS.get(version, 16)) - 1
    fields = [rights]
    if version >= TCP_SINCE:
        fields.append(_TCP if tcp else 0)
    if version >= _SCOPES_SINCE:
        fields.append(_SCOPES)
    attributes = struct.pack(f"{len(fields)}Q", *fields)
    flags = ctypes.c_uint(0)
    size = ctypes.c_size_t(len(attributes))
    ruleset = _syscall("landlock", _LANDLOCK_CREATE, attributes, size, flags)
    try:
        for path in readable:
            _allow(ruleset, path, rights & _READS)
        for path in writable:
            _allow(ruleset, path, rights)
        _checked(_prctl(_SET_NO_NEW_PRIVS, 1), "prctl")
        _syscall("landlock", _LANDLOCK_RESTRICT, ctypes.c_int(ruleset), flags)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no rule
    try:
        if not os.path.isdir(path):
            rights &= _FILE_RIGHTS
        rule = struct.pack("=Qi", rights, opened)
        ruled = (ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint(0))
        _syscall("landlock", _LANDLOCK_ADD, *ruled)
    finally:
        os.close(opened)
