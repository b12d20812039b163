"""A native thread that is inside Python is waited for."""

import subprocess
import sys

from runtime.settings import PROJECT

# In a process of its own: a test runner may have native threads too.
_PROGRAM = """
import _thread, threading
from runtime.interpreter_exit import wait_for_native_threads

inside, may_leave = threading.Event(), threading.Event()

def native():
    inside.set()
    may_leave.wait(0.05)  # long enough for a first look, and then gone without another word

_thread.start_new_thread(native, ())
inside.wait()
print(wait_for_native_threads(), wait_for_native_threads())
"""


def test_a_thread_that_python_does_not_know_is_waited_for() -> None:
    """As long as such a thread has a frame the wait goes on, and it says that it saw one."""
    done = subprocess.run(  # noqa: S603 - a program written above
        [sys.executable, "-c", _PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        cwd=PROJECT,
    )

    assert (done.stdout.split(), done.stderr) == (["1", "0"], "")
