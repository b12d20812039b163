"""Orchestrated goals."""

from tests.replay.cases import case
from tests.workflows import orchestra as goals
from tests.workflows.orchestra import asks, done, failed, goal, play, result, start
from tests.workflows.stage import Handle, Stage


@case
async def orchestrator_happy(stage: Stage) -> Handle:
    """A plan that goes back once, two tasks, one behind the other."""
    await play(stage, goals.nothing, plans=[goals.CIRCLE, goals.GOOD])
    handle = await start(stage, goal())
    await stage.closed(handle)
    return handle


@case
async def orchestrator_person(stage: Stage) -> Handle:
    """A task that asks twice: words first, then its output."""
    await play(stage, lambda t: asks() if t["task"] == "a" else None)
    handle = await start(stage, goal("a", goals.needs("b", "a")))
    first = await stage.asked(handle)
    await handle.signal("approve", {"reason": "the left one"})
    await stage.until(handle, lambda s: s.question and s.question["id"] != first["id"])
    await handle.signal("modify", {"arguments": {"account": "17", "n": 5}})
    await stage.closed(handle)
    return handle


@case
async def orchestrator_checkpoint(stage: Stage) -> Handle:
    """A checkpoint that does not hold, and is mended by doing two tasks again."""
    await play(stage, lambda t: done(n=1) if t["task"] == "b" and not t["earlier"] else done(n=2))
    handle = await start(stage, goal("a", "b", phases=goals.PHASES[:1]))
    await stage.stopped(handle)
    await handle.signal("retry")
    await stage.closed(handle)
    return handle


@case
async def orchestrator_failed(stage: Stage) -> Handle:
    """One task that fails once, and one that fails for good, with what waits for it."""
    await play(
        stage,
        lambda t: (
            failed() if t["task"] == "bad" or (t["task"] == "b" and not t["earlier"]) else None
        ),
    )
    handle = await start(stage, goal("a", "b", "bad", goals.needs("next", "bad"), attempts=2))
    await stage.closed(handle)
    return handle


@case
async def orchestrator_continued(stage: Stage) -> Handle:
    """A chain long enough to continue as new, with what it has and what failed before."""
    await play(stage, lambda t: failed() if t["task"] == "bad" else None)
    chain = [goals.needs(f"t{n}", f"t{n - 1}") for n in range(1, 12)]
    handle = await start(stage, goal("t0", *chain, "bad", attempts=1))
    found = await result(stage, handle)
    assert found.continued, "the history was not long enough to continue as new"
    assert len(found.outputs) == 12
    return handle


@case
async def orchestrator_rejected(stage: Stage) -> Handle:
    """Tasks that wait for each other."""
    await play(stage, goals.nothing)
    handle = await start(stage, goal(goals.needs("a", "b"), goals.needs("b", "a")))
    await stage.closed(handle)
    return handle


@case
async def orchestrator_refused_plan(stage: Stage) -> Handle:
    """A plan that a person approves although it is a circle, then one of their own."""
    await play(stage, goals.nothing, plans=[goals.CIRCLE] * 4)
    handle = await start(stage, goal())
    planner = stage.client.get_workflow_handle(f"{handle.id}/plan.1")
    await goals.asked_below(stage, planner)
    await planner.signal("approve")
    await stage.asked(handle)
    tasks = [{"id": "a", "worker": "smith"}]
    await handle.signal("modify", {"arguments": {"tasks": tasks}})
    await stage.closed(handle)
    return handle
