"""Replays many runs: here, or in several processes where there are many."""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from commands.replaying.fetching import histories
from commands.replaying.offered import Offer
from commands.replaying.replayed import Replaying
from commands.replaying.verdict import Run, Verdict
from commands.session import Session, session

# A process takes two seconds to start, in which one replays forty runs.
_WORTH: Final = 150
_CHUNK: Final = 50
_MOST_PROCESSES: Final = 4


def processes(runs: int) -> int:
    """Return how many processes are worth it."""
    return min(_MOST_PROCESSES, os.cpu_count() or 1) if runs >= _WORTH else 1


async def verdicts(
    opened: Session, runs: Sequence[Run], jobs: int
) -> AsyncGenerator[list[Verdict]]:
    """Yield what becomes of the runs, a few at a time, in no order."""
    if jobs <= 1:
        async for verdict in _replayed(opened, runs):
            yield [verdict]
        return
    chunks = [list(runs[at : at + _CHUNK]) for at in range(0, len(runs), _CHUNK)]
    # Not forked: the SDK's core has threads of its own.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        loop = asyncio.get_running_loop()
        left = [loop.run_in_executor(pool, _apart, chunk) for chunk in chunks]
        try:
            for done in asyncio.as_completed(left):
                yield await done
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


async def _replayed(opened: Session, runs: Sequence[Run]) -> AsyncGenerator[Verdict]:
    replaying = Replaying(opened.client.data_converter, Offer.of(opened.settings))
    async for run, events in histories(opened, runs):
        if events:  # else its retention is over: it has closed meanwhile
            yield await replaying.verdict(run, events)


def _apart(runs: list[Run]) -> list[Verdict]:
    """Replay some runs in a process of their own, which connects by itself."""

    async def replayed() -> list[Verdict]:
        async with session() as opened:
            return [verdict async for verdict in _replayed(opened, runs)]

    return asyncio.run(replayed())
