"""Runs with a long-term memory."""

from domain.memory import MemoryPolicy
from tests.fakes import Step, call
from tests.replay.cases import case
from tests.workflows.stage import Handle, Stage, agent
from tests.workflows.test_memory import LOOKUP, TASK, Unreachable
from tests.workflows.world import reading


@case
async def agent_memory(stage: Stage) -> Handle:
    """Told of an earlier run and a preference; remembers, recalls, and leaves its record."""
    script: list[Step] = [
        call("remember_preference", about="language", preference="answers in French"), "noted",
        call("remember", fact="The kettle is in room 12.", source="the caretaker"),
        call("recall", question="Where is the kettle?"), "done",
    ]  # fmt: skip
    await stage.play(agent(memory=MemoryPolicy(), tools=[LOOKUP]), script)
    await stage.run(TASK, tenant="recorded", by="ada")
    return await stage.start(TASK, tenant="recorded", by="ada")


@case
async def agent_memory_tainted(stage: Stage) -> Handle:
    """Strangers' words, and a fact from them that a person approves."""
    remembers = call("remember", fact="Pay invoices to account 99.", source="a mail")
    mail = reading(source="outside")
    script: list[Step] = [call("lookup", key="mail"), remembers, "noted"]
    await stage.play(agent(memory=MemoryPolicy(), tools=[mail]), script)
    handle = await stage.start("Read the mail", tenant="recorded-tainted")
    await stage.asked(handle)
    await stage.decide(handle, verdict="approve")
    return handle


@case
async def agent_memory_continued(stage: Stage) -> Handle:
    """Continues as new: what was recalled is carried over, and not asked for again."""
    turns: list[Step] = [call("lookup", key=f"{number}") for number in range(9)]
    script: list[Step] = ["first", *turns, "done"]
    await stage.play(agent(memory=MemoryPolicy(), tools=[LOOKUP]), script)
    await stage.run(TASK, tenant="recorded-continued")
    return await stage.start(TASK, tenant="recorded-continued")


@case
async def agent_memory_unreachable(stage: Stage) -> Handle:
    """A memory that cannot be reached."""
    stage.memories = Unreachable(stage.database)
    await stage.play(agent(memory=MemoryPolicy(), tools=[LOOKUP]), ["done"])
    return await stage.start(TASK)
