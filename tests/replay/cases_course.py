"""Runs that are held to rules, turned round, and told to answer near a limit."""

from agents.rules import at_most, needs
from domain.budget import Limits
from tests.fakes import Asked, Step, call, calls
from tests.replay.cases import case
from tests.workflows.stage import Handle, Stage, agent
from tests.workflows.team import by_agent, errand, team
from tests.workflows.world import World, reading, writing


@case
async def agent_rules(stage: Stage) -> Handle:
    """A maximum that a run below shares, and a call whose lookup comes in the same turn."""
    world = World()
    mail = writing(world, "mail", idempotent=True)
    script = by_agent(
        caller=[
            calls(("lookup", {"key": "a"}), ("mail", {"item": "a"}), ("mail", {"item": "b"})),
            call("ask_helper", item="c"),
            call("mail", item="d"),
            "done",
        ],
        helper=[call("mail", item="e"), call("mail", item="f"), "sent"],
    )
    served = team(
        [reading(), mail, errand()],
        rules=[at_most("mail", 2), needs("mail", earlier="lookup")],
        helper={"tools": [mail]},
    )
    await stage.play(served, script)
    return await stage.start()


@case
async def agent_turned_round(stage: Stage) -> Handle:
    """A call in ever other spellings: withheld by its meaning, then another way."""

    def script(asked: Asked) -> Step:
        if "circles" in str(asked.messages):
            return "withheld" if "withheld" in asked.said else call("lookup", key="SAME ")
        return call("lookup", key="same" + " " * len(asked.messages))

    answers = {"same" + " " * n: f"nothing found at 10:00:0{n}" for n in range(9)}
    await stage.play(agent(tools=[reading(answers)]), script)
    return await stage.start()


@case
async def agent_near_limit(stage: Stage) -> Handle:
    """Told at 80 % of its calls to answer with what it has."""

    def script(asked: Asked) -> Step:
        if "Answer now" in asked.said:
            return "as far as I got"
        return call("lookup", key=f"k{len(asked.results)}")

    limits = Limits(steps=5)
    await stage.play(agent(tools=[reading()], limits=limits, near_limit="simplify"), script)
    return await stage.start()
