"""A run from its task to its answer, and what it must not do on the way."""

from agents.toolkit import tool
from domain.run import Outcome
from tests.fakes import call
from tests.workflows.stage import Stage, agent


@tool(effect="read")
async def lookup(key: str) -> str:
    """Look a key up.

    Args:
        key: What to look up.
    """
    return f"value of {key}"


async def test_a_run_ends_with_the_models_answer(stage: Stage) -> None:
    """Think, act, think, answer: each call once, its result before the model."""
    await stage.play(agent(tools=[lookup]), [call("lookup", key="a"), "it is done"])

    result = await stage.run("find a")

    assert (result.outcome, result.answer) == (Outcome.COMPLETED, "it is done")
    assert stage.provider.asked[1].results == ["value of a"]
    assert stage.provider.bought_twice == 0
