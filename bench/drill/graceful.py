"""Stopping the worker in order while it is in the middle of a slow write."""

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.drill.plans import UNKNOWN, plan
from bench.drill.rig import Rig
from bench.drill.strike import begin, see_through
from bench.drill.verdict import Verdict, judge

_HEARD_S: Final = 30.0


@dataclass(frozen=True)
class Stopped:
    """One graceful stop.

    Attributes:
        seconds: From SIGTERM to the worker's end.
    """

    code: int
    seconds: float
    verdict: Verdict


async def stop_in_a_write(rig: Rig, seed: int) -> Stopped:
    """Send SIGTERM while a write that nobody could look up is under way; it ends a bit later."""
    run = await begin(rig, plan(UNKNOWN, seed))
    log = rig.home / "worker.log"
    said = _stops_said(log)
    began = time.time()
    run.killed = began
    stopping = asyncio.create_task(rig.worker.stop())
    await _hears(log, said)
    lasts = random.Random(seed).uniform(0, 3)
    await asyncio.sleep(lasts)
    run.place.release()
    code = await stopping
    seconds = time.time() - began
    await rig.worker.start()
    await see_through(run)
    return Stopped(code, seconds, await judge(rig, run))


async def _hears(log: Path, said: int) -> None:
    """Wait until the worker has heard the signal."""
    deadline = time.monotonic() + _HEARD_S
    while _stops_said(log) == said:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the worker did not say in {str(log)!r} that it stops")
        await asyncio.sleep(0.02)


def _stops_said(log: Path) -> int:
    return log.read_bytes().count(b'"stopping"')
