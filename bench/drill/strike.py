"""Bringing runs to their moment, striking, and seeing them to their end."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from uuid import uuid4

from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError

from agents.drill.place import Place
from bench.drill.plans import ACTING, CHECKING, GATE, THINKING, Plan
from bench.drill.rig import Rig
from domain.run import AgentRequest, AgentState, Status

Target = Literal["worker", "server"]

STATE: Final = SearchAttributeKey.for_keyword("AgentState")
_LOOK_S: Final = 0.03
_ARRIVES_S: Final = 180.0
_ENDS_S: Final = 300.0
# A heartbeat falls every second: the kill lands anywhere between two.
_SPREAD_S: Final = 1.0
_LATE: Final = (CHECKING, THINKING)  # these cannot wait for the others


class DrillFailed(RuntimeError):
    """A run did not come to its moment, or to its end; the message says which and how it is."""


@dataclass
class Struck:
    """One run, struck and ended.

    Attributes:
        killed: When, in seconds since the epoch.
        asked: Questions that the strike led to, by kind, and stops as `stopped`.
    """

    plan: Plan
    run_id: str
    place: Place
    handle: WorkflowHandle[Any, Any]
    lineage: str = ""
    killed: float = 0
    asked: list[str] = field(default_factory=list[str])
    outcome: str = ""


async def strike(rig: Rig, plans: Sequence[Plan], target: str) -> list[Struck]:
    """Start `plans`, kill `target` once each is at its moment, and see all to their end."""
    early = [plan for plan in plans if plan.moment not in _LATE]
    runs = list(await asyncio.gather(*(begin(rig, plan) for plan in early)))
    for moment in _LATE:
        late = [plan for plan in plans if plan.moment == moment]
        runs += await asyncio.gather(*(begin(rig, plan) for plan in late))
    seed = f"{target}/{plans[0].seed}"
    await asyncio.sleep(random.Random(seed).uniform(0, _SPREAD_S))
    killing = asyncio.create_task(rig.kill(target))
    await asyncio.sleep(0)  # the signal is sent before anything is let go
    for run in runs:
        run.place.release()
    killed = await killing
    for run in runs:
        run.killed = killed
    await asyncio.gather(*(see_through(run) for run in runs))
    return runs


async def begin(rig: Rig, plan: Plan) -> Struck:
    """Start a run and return it when it is at its moment."""
    run = await _start(rig, plan)
    await _at_moment(rig, run)
    return run


async def _start(rig: Rig, plan: Plan) -> Struck:
    run_id = f"drill-{plan.moment.partition(' ')[0]}-{plan.seed}-{uuid4().hex[:8]}"
    place = Place.made(rig.home / "drill" / run_id)
    if plan.held:
        place.hold(plan.held)
    folder, run_as = str(place.path), plan.agent
    handle = await rig.session.client.start_workflow(
        "AgentWorkflow",
        AgentRequest(agent=run_as, task=plan.task(folder), data={"drill": folder}),  # pyright: ignore[reportArgumentType]
        id=run_id,
        task_queue=rig.stack.settings.task_queue,
    )
    run = Struck(plan, run_id, place, handle)
    state = await handle.query("snapshot", 0, result_type=AgentState)
    run.lineage = state.lineage
    return run


# --- the moment


async def _at_moment(rig: Rig, run: Struck) -> None:
    """Wait for the sign that the run is at its moment."""
    moment = run.plan.moment
    if moment == THINKING:
        await _until(run, lambda: _asked_model(rig, run))
    elif moment == GATE:
        await _until(run, lambda: _is(run, "PENDING_APPROVAL"))
    else:
        await _until(run, lambda: _logged(run))


async def _asked_model(rig: Rig, run: Struck) -> bool:
    calls = (await rig.stats(run.lineage))["list"]
    return any(call["turn"] == run.plan.turn for call in calls)


async def _is(run: Struck, state: str) -> bool:
    found = await run.handle.describe()
    return found.typed_search_attributes.get(STATE) == state


async def _logged(run: Struck) -> bool:
    plan = run.plan
    if plan.moment == CHECKING:
        held = plan.held.replace("-", " ")
        return any(line["what"] == "check" and line["answer"] == held for line in run.place.lines())
    what = "begin" if plan.moment == ACTING else "effect"
    return any(line["what"] == what and line["item"] == plan.held for line in run.place.lines())


async def _until(run: Struck, sign: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + _ARRIVES_S
    while not await sign():
        if time.monotonic() > deadline:
            raise DrillFailed(f"run {run.run_id} did not come to {run.plan.moment!r}")
        await asyncio.sleep(run.plan.look_s)


# --- and after it


async def see_through(run: Struck) -> None:
    """Answer what the run asks, until it ends.

    What it asks is read off its search attributes: a query would bring the run to the new worker
    before it comes there by itself.
    """
    answered: set[str] = set()
    if run.plan.moment == GATE:
        await _patiently(lambda: run.handle.signal("approve", {"by": "the drill"}))
    deadline = time.monotonic() + _ENDS_S
    while time.monotonic() < deadline:
        found = await _patiently(run.handle.describe)
        if found.status is not WorkflowExecutionStatus.RUNNING:
            run.outcome = await _outcome(run, found.status)
            return
        state = found.typed_search_attributes.get(STATE)
        if state in {"PENDING_APPROVAL", "STOPPED"}:
            await _answer(run, answered)
        await asyncio.sleep(run.plan.look_s)
    raise DrillFailed(f"run {run.run_id} has not ended {_ENDS_S:.0f} s after the kill")


async def _outcome(run: Struck, status: WorkflowExecutionStatus | None) -> str:
    if status is WorkflowExecutionStatus.COMPLETED:
        return str((await run.handle.result())["outcome"])
    return status.name.lower() if status else "unknown"


async def _answer(run: Struck, answered: set[str]) -> None:
    """Answer as a person would who looks at the world: did it happen?"""
    status = await _patiently(lambda: run.handle.query("status", result_type=Status))
    if status.stop is not None and str(status.stop.at) not in answered:
        answered.add(str(status.stop.at))
        run.asked.append("stopped")
        await _patiently(lambda: run.handle.signal("retry", {"by": "the drill"}))
    question = status.question
    if question is None or question["id"] in answered:
        return
    answered.add(question["id"])
    verdict = "approve"
    if question["kind"] == "in_doubt":
        run.asked.append("in_doubt")
        item, tool = question["arguments"]["item"], question["tool"]
        verdict = "approve" if effects(run.place, tool, item) else "reject"
    answer = {"approval_id": question["id"], "by": "the drill"}
    await _patiently(lambda: run.handle.signal(verdict, answer))


def effects(place: Place, tool: str, item: str) -> int:
    """Return how often `tool` took effect on `item`."""
    return sum(
        line["what"] == "effect" and (line["tool"], line["item"]) == (tool, item)
        for line in place.lines()
    )


async def _patiently(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Ask the server again while it, or the worker, is not back yet."""
    deadline = time.monotonic() + _ARRIVES_S
    while True:
        try:
            return await ask()
        except RPCError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(_LOOK_S)
