"""Runs that have their own work checked."""

from domain.selfcheck import CriticPolicy, EscalationPolicy, VerificationPolicy
from tests.fakes import Asked, Step, answer, call, refused
from tests.replay.cases import case
from tests.workflows.stage import Handle, Stage, agent
from tests.workflows.test_claims import HELD, ORDER, answers, claims, script, verified
from tests.workflows.test_criticising import ACCEPT, by_agent, criticised, revise
from tests.workflows.test_phases import phased
from tests.workflows.test_second_checks import paying
from tests.workflows.world import PATIENT, World, reading


@case
async def agent_criticised(stage: Stage) -> Handle:
    """A write that is refused and mended, an answer that a person lets stand, a critic down."""
    own: list[Step] = [call("put", item="9"), call("put", item="7"), call("put", item="8"), "done"]
    critic: list[Step] = [revise("not 9"), "what?", ACCEPT, refused(), refused(), revise("no")]
    policy = CriticPolicy(reviews=("writes", "answer"), refinements=1)
    await stage.play(criticised(critic=policy, revisions=0), by_agent(own, critic))
    handle = await stage.start("put 7")
    await stage.asked(handle)
    await handle.signal("approve")
    return handle


@case
async def agent_verified(stage: Stage) -> Handle:
    """A claim that goes back, one that is looked up by a tool, a larger model, a person."""
    wrong = (1, "5900", "How many cents were paid for the order?")
    look = '{"calls": [{"tool": "fresh", "arguments": "{\\"key\\": \\"A-17\\"}"}]}'
    said = script(
        [call("lookup", key="A-17"), answer(total=5900), answer(total=5900)],
        [claims(), claims(wrong), claims(wrong)],
        [answers(HELD)] * 2,
        [look] * 2,
    )
    tools = [reading({"A-17": ORDER}, source="ours"), reading({"A-17": ORDER}, name="fresh")]
    larger = EscalationPolicy(route=("openai:gpt-5",))
    given = verified(tools=tools, policy={"sources": ("fresh",)}, revisions=0, escalation=larger)
    await stage.play(given, said)
    handle = await stage.start()
    await stage.asked(handle)
    await handle.signal("modify", {"arguments": {"total": 4900}})
    return handle


@case
async def agent_checked(stage: Stage) -> Handle:
    """A phase that is not over, a second check that refuses, and one that passes twice."""
    world = World()
    given = phased(world)
    pay, policy = paying(world), VerificationPolicy(asks_without=False)
    script: list[Step] = [
        call("put", item="1"),
        call("lookup", key="a"),
        call("lookup", key="b"),
        call("pay", item="c"),
        call("pay", item="a"),
        "done",
    ]

    def said(asked: Asked) -> Step:
        return script.pop(0) if asked.agent == "tester" else refused()

    tools = [*given.tools[:-1], pay]
    await stage.play(
        agent(tools=tools, phases=given.phases, approvals=PATIENT, verification=policy), said
    )
    handle = await stage.start()
    await stage.asked(handle)
    await handle.signal("approve")
    return handle
