"""Chains that could not be run to their end, and what is said of them."""

from typing import Any

import pytest

from activities.chain import wrong_with
from domain.chain import ChainRequest
from domain.runs import Outcome
from tests.workflows.chains import TEXT, play, ran, shape, two_steps
from tests.workflows.stage import Stage


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the two steps with one thing changed: `steps.1.name`."""
    chain: Any = two_steps()
    *parents, last = path.split(".")
    place = chain
    for part in parents:
        place = place[int(part)] if part.isdigit() else place[part]
    place[last] = value
    return chain


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "has no steps"),
    "no schema": (changed("steps.0.output.properties.private.type", "words"), "no JSON Schema"),
    "no object": (changed("steps.1.output", {"type": "array"}), "its output must be"),
    "unknown need": (changed("steps.1.take", {"other": {}}), "takes 'other'"),
    "nobody makes": (changed("steps.1.input", shape(more=TEXT)), "needs 'more'"),
    "unknown source": (changed("steps.1.take", {"facts": {"of": "read.fact"}}), "'read.fact'"),
    "later source": (changed("steps.0.take", {"text": {"of": "write.letter"}}), "write.letter"),
    "other type": (changed("steps.1.input", shape(facts={"type": "array"})), "must be ['array']"),
    "same name": (changed("steps.1.name", "read"), "same name"),
    "bad name": (changed("steps.1.name", "a/b"), "its name"),
    "no instruction": (changed("steps.1.instruction", " "), "no instruction"),
    "unknown agent": (changed("steps.1.agent", "nobody"), "no agent 'nobody'"),
    "input that does not fit": (changed("given", {"text": 1}), "is not of type 'string'"),
    "foreign reference": (
        changed("steps.0.output.properties.facts", {"$ref": "http://localhost/x"}),
        "$ref",
    ),
    "bad pattern": (changed("steps.0.output.properties.facts.pattern", "("), "pattern"),
    "summary of a number": (
        changed("steps.1.input", shape(facts={"type": "string"}))
        | {"input": shape(text={"type": "integer"}), "given": {"text": 1}},
        "must be ['string']",
    ),
}


@pytest.mark.requirement("C4.6:refused")
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_with_a_chain_is_said_of_its_step(wrong: str) -> None:
    """The command line asks this before it starts anything; the run asks the same."""
    chain, says = WRONG[wrong]

    found = wrong_with(ChainRequest.model_validate(chain), ["step"])

    assert says in "; ".join(found)


@pytest.mark.requirement("C4.6:refused")
@pytest.mark.parametrize("wrong", ["nothing", "no schema", "nobody makes"])
async def test_a_chain_that_cannot_run_is_refused_unpaid(stage: Stage, wrong: str) -> None:
    """However it was started: rejected with the reason, and no model asked."""
    chain, says = WRONG[wrong]
    await play(stage, [])

    result = await ran(stage, chain)

    assert result.outcome is Outcome.REJECTED
    assert says in result.reason
    assert not stage.provider.asked
