"""The runs of a drilled deploy: in every state when workers change, and all seen to their end."""

import asyncio
import random
import time
from dataclasses import dataclass, field, replace
from typing import Final

from bench.drill.plans import CHECKING, GATE, MOMENTS, THINKING, Plan, plan
from bench.drill.rig import Rig
from bench.drill.strike import Struck, begin, see_through
from bench.drill.verdict import Verdict, judge

# Seconds over which runs begin, and are let go, once they may.
_SPREAD_S: Final = 20.0
_LOOK_S: Final = 0.5
# A check that is held longer than its timeout would stop its run, deploy or not.
_SHORT: Final = (THINKING, CHECKING)
_KINDS: Final = (*MOMENTS, GATE, GATE, GATE)


@dataclass
class Phases:
    """How far the deploy is; runs begin and go on by it, not by the clock of a busy machine.

    Attributes:
        asked: The gates have been asked, with runs in every state.
        stopping: The first old worker stops, while calls are under way on it.
        replaced: No old worker is left.
    """

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    replaced: asyncio.Event = field(default_factory=asyncio.Event)


def plans(count: int, seed: int, *, pinned: bool) -> list[Plan]:
    """Return what the runs do; a third belongs to the pinned agent, where there are versions."""
    kinds = (_KINDS[n % len(_KINDS)] for n in range(count))
    found = [replace(plan(kind, seed * 1_000 + n), look_s=_LOOK_S) for n, kind in enumerate(kinds)]
    if not pinned:
        return found
    return [replace(p, agent="drill_pinned") if n % 3 == 0 else p for n, p in enumerate(found)]


async def play(rig: Rig, wanted: list[Plan], phases: Phases, seed: int) -> list[Verdict]:
    """Play the runs through the phases of a deploy, and judge those that have ended.

    One that does not come to its moment, or to its end, is reported and missing: it is stuck.
    """
    rng = random.Random(seed)
    lives = [_live(rig, each, _course(rng, each, phases)) for each in wanted]
    ended = await asyncio.gather(*lives, return_exceptions=True)
    for each in ended:
        if isinstance(each, BaseException):
            print(f"stuck: {each}")
    return [each for each in ended if isinstance(each, Verdict)]


@dataclass(frozen=True)
class _Course:
    """When a run begins and when it is let go; None for at once."""

    begins: asyncio.Event | None
    begins_s: float
    goes_on: asyncio.Event | None
    goes_on_s: float


def _course(rng: random.Random, each: Plan, phases: Phases) -> _Course:
    begins_s, soon = rng.uniform(0, _SPREAD_S), rng.uniform(0.3, 3)
    if each.moment == GATE:  # a person answers before, during and after the deploy
        answered = rng.choice([phases.asked, phases.stopping, phases.replaced])
        return _Course(None, begins_s, answered, rng.uniform(0, _SPREAD_S))
    if each.moment in _SHORT or rng.random() < 0.5:  # noqa: PLR2004 - every other one
        begins = rng.choice([None, phases.asked, phases.stopping, phases.replaced])
        return _Course(begins, begins_s, None, soon)
    # In the middle of a call when its worker is told to stop.
    return _Course(phases.asked, soon, phases.stopping, soon)


async def _live(rig: Rig, each: Plan, course: _Course) -> Verdict:
    await _after(course.begins, course.begins_s)
    run = await begin(rig, each)
    await _after(course.goes_on, course.goes_on_s)
    return await finish(rig, run)


async def _after(event: asyncio.Event | None, seconds: float) -> None:
    if event is not None:
        await event.wait()
    await asyncio.sleep(seconds)


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
