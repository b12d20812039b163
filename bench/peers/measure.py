"""What is measured of each runtime: a turn's cost, a model's slips, a kill after an effect."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from bench.peers.runtime import Came, Runtime

SLIPS: Final = ("type", "unknown", "error")
RESULT_BYTES: Final = 2_000
_RUN_S: Final = 120.0
# Long enough for a tool's or a step's declared minute to pass after the kill, and be tried again.
_AFTER_KILL_S: Final = 150.0


@dataclass(frozen=True)
class Turn:
    """One turn's share of a run."""

    wall_ms: float
    cpu_ms: float
    history_bytes: float


@dataclass
class Found:
    """What was found of one runtime.

    Attributes:
        turns: By the length of the run; empty where a run of that length failed.
        slips: By the slip, what the run came to.
        effects: How often the effect happened though it was asked for once; 0 where not measured.
        after_kill: What the run came to.
    """

    turns: dict[int, list[Turn]] = field(default_factory=dict[int, list[Turn]])
    failed: dict[int, str] = field(default_factory=dict[int, str])
    slips: dict[str, str] = field(default_factory=dict[str, str])
    effects: int = 0
    after_kill: str = ""


def _id(runtime: Runtime, what: str) -> str:
    return f"{runtime.name}-{what}-{uuid4().hex[:8]}"


async def turns(runtime: Runtime, length: int, found: Found) -> None:
    """Run `length` turns once, and note what one took."""
    task = {"turns": length, "result_bytes": RESULT_BYTES}
    cpu, began = runtime.cpu_s(), time.perf_counter()
    came = await runtime.run("bench", task, _id(runtime, str(length)), _RUN_S)
    wall, cpu = time.perf_counter() - began, runtime.cpu_s() - cpu
    if came.ended != "completed":
        found.failed[length] = came.why or "no end in time"
        return
    took = Turn(wall / length * 1e3, cpu / length * 1e3, came.history_bytes / length)
    found.turns.setdefault(length, []).append(took)


async def slip(runtime: Runtime, which: str, within_s: float) -> str:
    """Let the model's second call be wrong; return what the run came to."""
    task = {"turns": 3, "result_bytes": 200, "slip": which}
    came = await runtime.run("bench", task, _id(runtime, which), within_s)
    return _said(came, within_s)


def _said(came: Came, within_s: float) -> str:
    if came.ended == "completed":
        return came.why if came.why not in ("", "completed") else "goes on"
    if came.ended:
        return "run fails"
    return came.why or f"no end in {within_s:.0f} s"


async def kill_after_effect(runtime: Runtime, found: Found) -> None:
    """Kill the worker when the effect has happened and is not yet recorded; start it again."""
    item, run_id = f"i{uuid4().hex[:6]}", _id(runtime, "kill")
    task = {"steps": [[["drill_charge", item]]]}
    runtime.hold(item)
    before = asyncio.create_task(runtime.run("drill", task, run_id, _AFTER_KILL_S))
    async with asyncio.timeout(_RUN_S):
        while not runtime.effects(item):
            await asyncio.sleep(0.01)
    before.cancel()
    await runtime.kill()
    runtime.release(item)
    await runtime.start()
    came = await runtime.run("drill", task, run_id, _AFTER_KILL_S)
    found.after_kill, found.effects = _said(came, _AFTER_KILL_S), runtime.effects(item)
