"""Whether code still runs in the run that it belongs to.

A worker that stops does not evict the runs that wait in its cache. The garbage collector closes
their coroutines, and what stands in a `finally` there runs wherever it happens to be at work:
in no run, or in the middle of another one's task, where every command would be that other run's
(temporalio/sdk-python#494), and its history could not be replayed again.
"""

import asyncio


class Home:
    """The run in which this object was made."""

    def __init__(self) -> None:
        # The SDK runs each run on an event loop of its own, a new one each time it is loaded.
        self._loop = asyncio.get_running_loop()

    def is_here(self) -> bool:
        """Return whether that run is the one under way, so that it may be given commands."""
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False
