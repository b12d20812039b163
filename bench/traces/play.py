"""A run with everything in its middle: killed workers, a retried call, approvals, a new history."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import SearchAttributeKey

from agents.drill.place import Place
from bench.drill.rig import Rig, rig
from bench.traces.collector import Collector
from domain.run import AgentRequest
from runtime import devserver
from runtime.tracing.ids import hex_trace, trace_of

# A history that is suggested to end early, so that a run of twenty turns continues several times.
_EARLY: Final = "--dynamic-config-value=limit.historyCount.suggestContinueAsNew=90"
_STATE: Final = SearchAttributeKey.for_keyword("AgentState")
_LOOK_S: Final = 0.05
_ARRIVES_S: Final = 90.0
_TOLD_S: Final = 120.0
_QUIET_S: Final = 6.0  # without a new span, when all seem to be there: one twice would come now
_OTHERS: Final = ("drill_look", "drill_look", "drill_pay", "drill_transfer")


@dataclass
class Played:
    """What was done to a run.

    Attributes:
        trace: The id of the trace that it has to have.
        told_s: From its end until its trace was whole.
    """

    run_id: str
    trace: str
    kills: int = 0
    approvals: int = 0
    result: dict[str, Any] = field(default_factory=dict[str, Any])
    told_s: float = 0


@asynccontextmanager
async def traced(home: Path, collector: Collector, content: bool = False) -> AsyncGenerator[Rig]:
    """Start everything, with traces sent to `collector`."""
    flags = devserver.__dict__
    if _EARLY not in flags["_FLAGS"]:
        flags["_FLAGS"] = (*flags["_FLAGS"], _EARLY)
        flags["SERVER_FLAGS"] = (*flags["SERVER_FLAGS"], _EARLY)
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address}
    if content:
        more["HOLDFAST_TRACE_CONTENT"] = "true"
    async with rig(home, more) as running:
        yield running


async def play(running: Rig, collector: Collector, seed: int, turns: int) -> Played:
    """See one run to its end, and wait for its trace."""
    rng = random.Random(f"traces/{seed}")
    run_id = f"traced-{seed}-{uuid4().hex[:8]}"
    place = Place.made(running.home / "drill" / run_id)
    below = Place.made(running.home / "drill" / f"{run_id}-below")
    held = [f"s{number}c0" for number in sorted(rng.sample(range(2, turns - 2), 2))]
    task = _task(rng, turns, held, place, below)
    for each in held:
        place.hold(each)
    await _misbehave(running, seed, rng.randrange(2, turns - 1))
    handle = await _start(running, run_id, task, str(place.path))
    played = Played(run_id, hex_trace(trace_of(str(handle.first_execution_run_id))))
    deciding = asyncio.create_task(_approve_all(running, played))
    try:
        for each in held:
            await _until(lambda each=each: _begun(place, each), f"{run_id} to be at {each}")
            await asyncio.sleep(rng.uniform(0, 1))
            await _kill(running, played)
            (place.path / f"hold-{each}").unlink()
        played.result = await asyncio.wait_for(handle.result(), _ARRIVES_S * 2)
        # Its end is in the history, and nothing of the trace's end has been sent.
        await _kill(running, played)
    finally:
        deciding.cancel()
    ended = time.monotonic()
    await _whole(collector, played)
    played.told_s = time.monotonic() - ended - _QUIET_S
    return played


async def _start(
    running: Rig, run_id: str, task: dict[str, Any], folder: str
) -> WorkflowHandle[Any, Any]:
    asked = AgentRequest(agent="drill", task=task, data={"drill": folder}, by="the bench")  # pyright: ignore[reportArgumentType]
    return await running.session.client.start_workflow(
        "AgentWorkflow", asked, id=run_id, task_queue=running.stack.settings.task_queue
    )


def _task(
    rng: random.Random, turns: int, held: list[str], place: Place, below: Place
) -> dict[str, Any]:
    """Return a script: reads and writes, two approvals, a run below, an answer that is refused."""
    steps = [
        [(rng.choice(_OTHERS), f"s{number}c{call}") for call in range(rng.randint(1, 3))]
        for number in range(turns)
    ]
    for item in held:
        steps[int(item[1:].partition("c")[0])][0] = ("drill_look", item)
    quiet = [n for n in range(1, turns) if f"s{n}c0" not in held]
    first, second, third = rng.sample(quiet, 3)
    steps[first].append(("drill_wire", "wired"))
    steps[second].append(("drill_wire", "wired again"))
    steps[third] = [("drill_ask", "below")]
    script = {"drill": str(below.path), "steps": [[["drill_look", "b0"]], [["drill_wire", "b1"]]]}
    return {
        "drill": str(place.path),
        "steps": steps,
        "drafts": 1,
        "asks": {"below": {**script, "item": "below"}},
    }


async def _misbehave(running: Rig, seed: int, turn: int) -> None:
    """Have the model fail once, in one turn."""
    base = running.stack.env["HOLDFAST_OFFLINE_URL"]
    rule = {"kind": "server_error", "agent": "drill", "turn": turn, "first": 1}
    asked = {"seed": seed, "rules": [rule]}
    (await running.http.post(f"{base}/misbehave", json=asked)).raise_for_status()


async def _approve_all(running: Rig, played: Played) -> None:
    """Say yes to whatever is asked, as a person would: some seconds later."""
    client = running.session.client
    mine = f"AwaitingApproval = true AND RootWorkflowId = '{played.run_id}'"
    while True:
        async for found in client.list_workflows(f"{mine} AND ExecutionStatus = 'Running'"):
            handle = client.get_workflow_handle(found.id)
            if (await handle.describe()).typed_search_attributes.get(_STATE) != "PENDING_APPROVAL":
                continue
            await handle.signal("approve", {"by": "the bench", "reason": "it is a drill"})
            played.approvals += 1
            await _until(lambda handle=handle: _goes_on(handle), f"{found.id} to go on")
        await asyncio.sleep(0.3)


async def _goes_on(handle: WorkflowHandle[Any, Any]) -> bool:
    found = await handle.describe()
    running = found.status is WorkflowExecutionStatus.RUNNING
    return not running or found.typed_search_attributes.get(_STATE) != "PENDING_APPROVAL"


async def _begun(place: Place, item: str) -> bool:
    return any(line["what"] == "begin" and line["item"] == item for line in place.lines())


async def _kill(running: Rig, played: Played) -> None:
    await running.kill_worker()
    played.kills += 1
    await running.serving()


async def _whole(collector: Collector, played: Played) -> None:
    """Wait until the run's own span is there, and nothing more comes."""

    async def ended() -> bool:
        return any(not span.parent for span in collector.of(played.trace))

    await _until(ended, f"the trace of {played.run_id}", _TOLD_S)
    before = -1
    while before != len(collector.seen):
        before = len(collector.seen)
        await asyncio.sleep(_QUIET_S)


async def _until(sign: Callable[[], Awaitable[bool]], what: str, most: float = _ARRIVES_S) -> None:
    deadline = time.monotonic() + most
    while not await sign():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {most:.0f} s for {what}")
        await asyncio.sleep(_LOOK_S)
