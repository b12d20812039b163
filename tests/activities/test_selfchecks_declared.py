"""A declaration that would check nothing is refused when agents are loaded."""

from dataclasses import replace
from typing import Any

import pytest

from agents.billing.spec import AGENT
from agents.registry import RegistryError, agents, check_agents, tools, unchecked
from agents.toolkit import Agent, Phase, Prompt, tool
from domain.selfcheck import CriticPolicy, VerificationPolicy
from tests.workflows.world import World, reading, writing

LOOK, PUT = reading(), writing(World())


@pytest.mark.requirement("C5.2:declared")
@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"verification": VerificationPolicy(sources=("put",))}, "'put', which is no read tool"),
        ({"verification": VerificationPolicy(sources=("gone",))}, "'gone', which is no read tool"),
        ({"phases": [Phase("a", [LOOK]), Phase("b", [LOOK])]}, "are in two phases"),
        ({"phases": [Phase("a", [writing(World(), "other")])]}, "which the agent has not"),
        ({"side_prompts": {"critics": Prompt("x", "v1")}}, "side_prompts ['critics']"),
    ],
)
def test_a_declaration_that_names_what_is_not_there_is_refused(
    changed: dict[str, Any], why: str
) -> None:
    """At a worker's start, in words that say what there is."""
    given = Agent(name="tester", prompt=Prompt("You test.", "v1"), tools=[LOOK, PUT])

    with pytest.raises(RegistryError) as caught:
        check_agents({"tester": replace(given, **changed)})

    assert why in str(caught.value)
    assert "tester" in str(caught.value)


@pytest.mark.requirement("C5.2:declared")
def test_self_checks_are_off_unless_an_author_says_so() -> None:
    """A run then holds no prompt and no policy of theirs; a critic has the shipped one."""
    plain = Agent(name="tester", prompt=Prompt("You test.", "v1"), tools=[LOOK]).spec()
    own = AGENT.spec()
    shipped = replace(AGENT, side_prompts={}, verification=None, critic=CriticPolicy()).spec()

    told = plain.model_dump(exclude_unset=True)
    assert not told.keys() & {"critic", "verification", "escalation", "phases", "side_prompts"}
    assert {*own.side_prompts} == {"critic", "claims", "verify", "lookup"}
    assert [*shipped.side_prompts] == ["critic"]
    assert own.side_prompts["critic"].text != shipped.side_prompts["critic"].text


@pytest.mark.requirement("C5.2:second-check")
def test_tools_whose_effect_nothing_looks_at_are_named() -> None:
    """None of those that are shipped is one."""

    @tool(effect="irreversible")
    async def launch() -> str:
        """Launch."""
        return "launched"

    assert unchecked([launch, LOOK, PUT]) == ["launch"]
    assert unchecked(tools(agents().values()).values()) == []
