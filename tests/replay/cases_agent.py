"""Runs of one agent."""

from datetime import timedelta

from domain.spec import ApprovalPolicy
from tests.fakes import Say, call, calls, refused
from tests.replay.cases import case
from tests.workflows.stage import Handle, Stage, agent
from tests.workflows.world import World, reading, writing


@case
async def agent_happy(stage: Stage) -> Handle:
    """A plan, parallel reads, a write, a refused answer, an answer."""
    tools = [reading(), writing(World(), idempotent=True)]
    script = [
        '{"steps": [{"action": "look", "tools": ["lookup"]}]}',
        calls(("lookup", {"key": "a"}), ("lookup", {"key": "b"}), ("put", {"item": "c"})),
        calls(("invented", {})),
        "",
        "done",
    ]
    await stage.play(agent(plan="checked", tools=tools), script)
    return await stage.start()


@case
async def agent_approval(stage: Stage) -> Handle:
    """A question that is modified, badly and well, one that is rejected, and an update."""
    pay = writing(World(), "pay", effect="irreversible")
    script = [call("pay", item="1"), call("pay", item="2"), "done"]
    await stage.play(agent(tools=[pay]), script)
    handle = await stage.start()
    first = await stage.asked(handle)
    await handle.signal("modify", {"arguments": {"item": 1}})
    await stage.until(handle, lambda status: status.ignored)
    await stage.decide(handle, verdict="modify", arguments={"item": "3"})
    await stage.until(handle, lambda s: s.question and s.question["id"] != first["id"])
    await handle.signal("reject", {"reason": "enough"})
    return handle


@case
async def agent_silence(stage: Stage) -> Handle:
    """A question that nobody answers, asked once more."""
    policy = ApprovalPolicy(timeout=timedelta(milliseconds=300), silence="escalate")
    pay = writing(World(), "pay", effect="irreversible")
    await stage.play(agent(tools=[pay], approvals=policy), [call("pay", item="1"), "done"])
    return await stage.start()


@case
async def agent_stopped(stage: Stage) -> Handle:
    """A key that is refused, and a retry."""
    await stage.play(agent(), [refused(), "done"])
    handle = await stage.start()
    await stage.stopped(handle)
    await handle.signal("retry")
    return handle


@case
async def agent_in_doubt(stage: Stage) -> Handle:
    """A write whose outcome is unknown, confirmed by a person."""
    put = writing(World(), trouble=[ConnectionError("gone")])
    await stage.play(agent(tools=[put]), [call("put", item="a"), "done"])
    handle = await stage.start()
    await stage.asked(handle)
    await handle.signal("approve")
    return handle


@case
async def agent_cancelled(stage: Stage) -> Handle:
    """A cancel that undoes two writes."""
    world = World()
    tools = [writing(world, compensate="take"), writing(world, "take")]
    await stage.play(agent(tools=tools), [call("put", item="1"), call("put", item="2"), refused()])
    handle = await stage.start()
    await stage.stopped(handle)
    await handle.cancel()
    return handle


@case
async def agent_miss(stage: Stage) -> Handle:
    """A worker that has to be told the conversation again."""
    await stage.play(agent(tools=[reading()]), [call("lookup", key="a"), refused(), "done"])
    handle = await stage.start()
    await stage.stopped(handle)
    await stage.restart()
    await handle.signal("retry")
    return handle


@case
async def agent_circles(stage: Stage) -> Handle:
    """A run that is turned round, and then stopped by a person."""

    def script(asked: object) -> Say:
        return call("lookup", key="again" if "circles" in str(asked) else "same")

    await stage.play(agent(tools=[reading()]), script)
    handle = await stage.start()
    await stage.asked(handle)
    await handle.signal("reject")
    return handle


@case
async def agent_refused(stage: Stage) -> Handle:
    """An input that goes to the dead letters."""
    await stage.play(agent(), [])
    return await stage.start_raw({})


@case
async def agent_continued(stage: Stage) -> Handle:
    """The last part of a run that continued as new."""
    script = [*(call("lookup", key=str(number)) for number in range(14)), "done"]
    await stage.play(agent(tools=[reading()]), script)
    return await stage.start()
