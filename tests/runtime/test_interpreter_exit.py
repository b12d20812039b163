"""A native thread that is inside Python is waited for."""

import _thread
import threading

from runtime.interpreter_exit import wait_for_native_threads


def test_a_thread_that_python_does_not_know_is_waited_for() -> None:
    """As long as such a thread has a frame the wait goes on, and it says that it saw one."""
    inside, may_leave = threading.Event(), threading.Event()

    def native() -> None:
        inside.set()
        # Long enough for a first look, and then gone without another word.
        may_leave.wait(0.05)

    _thread.start_new_thread(native, ())
    inside.wait()

    assert wait_for_native_threads() == 1
    assert wait_for_native_threads() == 0
