"""The runs of a drilled deploy: in every state when workers change, and all seen to their end."""

import asyncio
import random
import time
from dataclasses import replace
from typing import Final

from bench.drill.plans import GATE, MOMENTS, Plan, plan
from bench.drill.rig import Rig
from bench.drill.strike import Struck, begin, see_through
from bench.drill.verdict import Verdict, judge

# Seconds over which runs begin, and for which one is held at its moment; a person takes longer.
_BEGIN_S: Final = 45.0
_HELD_S: Final = (0.5, 6.0)
_PERSON_S: Final = (5.0, 40.0)


def plans(count: int, seed: int, *, pinned: bool) -> list[Plan]:
    """Return what the runs do; a third belongs to the pinned agent, where there are versions."""
    found = [plan(MOMENTS[n % len(MOMENTS)], seed * 1_000 + n) for n in range(count)]
    if not pinned:
        return found
    return [
        replace(each, agent="drill_pinned") if n % 3 == 0 else each for n, each in enumerate(found)
    ]


async def play(rig: Rig, wanted: list[Plan], seed: int) -> list[Verdict]:
    """Start the runs over a while, let each wait at its moment, and judge them when all ended."""
    rng = random.Random(seed)
    lives = [_live(rig, each, rng.uniform(0, _BEGIN_S), _held(rng, each)) for each in wanted]
    return list(await asyncio.gather(*lives))


def _held(rng: random.Random, each: Plan) -> float:
    return rng.uniform(*(_PERSON_S if each.moment == GATE else _HELD_S))


async def _live(rig: Rig, each: Plan, after_s: float, held_s: float) -> Verdict:
    await asyncio.sleep(after_s)
    run = await begin(rig, each)
    await asyncio.sleep(held_s)
    return await finish(rig, run)


async def parked(rig: Rig, count: int, seed: int) -> list[Struck]:
    """Start runs that wait for a person's approval."""
    asked = (plan(GATE, seed * 1_000 + 500 + n) for n in range(count))
    return list(await asyncio.gather(*(begin(rig, each) for each in asked)))


async def finish(rig: Rig, run: Struck) -> Verdict:
    """Let a run go on, answer what it asks, and judge it when it has ended."""
    run.killed = time.time()
    run.place.release()
    await see_through(run)
    return await judge(rig, run)
