"""Lets the SDK's native threads leave Python before the interpreter is torn down.

The SDK delivers each result of a native call from a thread of its own, which calls
`loop.call_soon_threadsafe`. That call wakes the event loop by a socket and gives the interpreter
lock away; when what it wakes is the process's last step, the interpreter is torn down while the
thread still waits for the lock. Up to Python 3.13 the waiting thread is then ended in the middle
of native code, which aborts the process (`Fatal Python error: PyGILState_Release: thread state
must be current when releasing`, exit code -6, now and then -11). Measured: 6 of 70 stops.

A thread in that place has a Python frame, so its absence can be awaited.
"""

import atexit
import sys
import threading
import time
from typing import Final

_LONGEST_S: Final = 5.0
_LOOK_S: Final = 0.001

_registered = False


def exit_cleanly() -> None:
    """Make the end of this process wait for native threads; once is enough."""
    global _registered  # noqa: PLW0603 - atexit is the process's, so is this
    if not _registered:
        _registered = True
        # Runs before the interpreter is marked as finalizing, when threads still get the lock.
        atexit.register(wait_for_native_threads)


def wait_for_native_threads() -> int:
    """Wait until no native thread is inside Python, and return how many were seen there."""
    deadline = time.monotonic() + _LONGEST_S
    seen: set[int] = set()
    quiet = 0
    # Twice in a row: sleeping gives the lock to a thread that was still waiting to enter.
    while quiet < 2 and time.monotonic() < deadline:  # noqa: PLR2004
        inside = _native_threads_inside()
        seen |= inside
        quiet = 0 if inside else quiet + 1
        time.sleep(_LOOK_S)
    return len(seen)


def _native_threads_inside() -> set[int]:
    known = {thread.ident for thread in threading.enumerate()}
    frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
    return {ident for ident in frames if ident not in known}
