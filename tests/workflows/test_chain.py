"""Chains: what each step is given, what its failure comes to, what is counted."""

import json
from typing import Any

import pytest

from activities.chain import ChainActivities, wrong_with
from agents.step.spec import AGENT
from domain.chain import ChainRequest, ChainResult
from domain.runs import Outcome
from runtime.serving import activities_of
from tests.fakes import Asked, Say, Script, answer, refused
from tests.workflows.stage import Handle, Stage, agent

TEXT = {"type": "string"}


def shape(**properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has all of `properties`."""
    named = {name: dict(each) for name, each in properties.items()}
    return {"type": "object", "properties": named, "required": list(named)}


def step(name: str, needs: dict[str, Any], gives: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a step of a chain."""
    asked = {"name": name, "instruction": f"do {name}", "input": shape(**needs)}
    return {**asked, "output": shape(**gives), **more}


def two_steps(**more: Any) -> dict[str, Any]:
    """Return a chain of two steps, of which the second needs one of the first's two fields."""
    return {
        "input": shape(text=TEXT),
        "steps": [
            step("read", {"text": TEXT}, {"facts": TEXT, "private": TEXT}),
            step("write", {"facts": TEXT}, {"letter": TEXT}, **more),
        ],
        "given": {"text": "the given text"},
    }


def by_step(**answers: Any) -> Script:
    """Return a script that answers by the instruction; a function is asked, anything else said."""

    def script(asked: Asked) -> Any:
        task = json.loads(asked.messages[0].text)
        name = str(task["instruction"]).removeprefix("do ")
        found = answers.get(name, answers.get("otherwise"))
        return found(task) if callable(found) else found

    return script


READ = answer(facts="the facts", private="MARKER")
WRITE = answer(letter="dear reader")


async def play(stage: Stage, script: Script, *others: Any) -> None:
    """Serve the step agent, and others."""
    agents = [AGENT, *others]
    stage.more = activities_of(ChainActivities([each.name for each in agents]))
    await stage.play(agents, script)


async def begin(stage: Stage, chain: dict[str, Any]) -> Handle:
    """Start a chain."""
    return await stage.begin("ChainWorkflow", chain)


async def ended(stage: Stage, handle: Handle) -> ChainResult:
    """Wait for a chain's end; look at its history; return its result."""
    await stage.closed(handle)
    found = stage.client.get_workflow_handle(handle.id, result_type=ChainResult)
    return await found.result()


async def ran(stage: Stage, chain: dict[str, Any]) -> ChainResult:
    """Run a chain to its end."""
    return await ended(stage, await begin(stage, chain))


@pytest.mark.requirement("C4.6:sequence", "C4.6:tokens")
async def test_the_last_steps_answer_is_the_chains(stage: Stage) -> None:
    """Two steps, in order, with a table of what was handed on of what was produced."""
    await play(stage, by_step(read=READ, write=WRITE))

    result = await ran(stage, two_steps())

    assert (result.outcome, result.answer) == (Outcome.COMPLETED, {"letter": "dear reader"})
    assert [each.name for each in result.steps] == ["read", "write"]
    read, write = result.steps
    assert (read.produced_tokens, read.handed_tokens, write.handed_tokens) == (10, 6, 0)
    assert (result.produced_tokens, result.handed_tokens) == (10, 6)
    assert [each.used_tokens for each in result.steps] == [30, 30]
    assert result.spend.tokens == 60


@pytest.mark.requirement("C4.6:declared-only")
async def test_a_step_sees_what_it_declares_and_nothing_else(stage: Stage) -> None:
    """The undeclared field, the chain's input and the first run's words appear in no other call."""
    await play(stage, by_step(read=READ, write=WRITE))

    await ran(stage, two_steps())

    second = str([message.text for message in stage.provider.sold[1].messages])
    assert "the facts" in second
    assert not any(word in second for word in ("MARKER", "the given text", "do read"))
    assert json.loads(stage.provider.sold[1].messages[0].text) == {
        "instruction": "do write",
        "input": {"facts": "the facts"},
    }


@pytest.mark.requirement("C4.6:shortened")
async def test_a_long_text_is_cut_where_a_step_takes_less(stage: Stage) -> None:
    """The second step is given twenty characters, and the result says so."""
    long = answer(facts="a" * 500, private="")
    await play(stage, by_step(read=long, write=WRITE))

    result = await ran(stage, two_steps(take={"facts": {"most": 20}}))

    given = json.loads(stage.provider.sold[1].messages[0].text)["input"]["facts"]
    assert given == "a" * 19 + "…"
    assert result.steps[1].cut == ("facts: cut from 500 to 20 characters",)


@pytest.mark.requirement("C4.6:shortened", "C4.6:tokens")
async def test_a_long_text_is_summarised_by_a_run_of_its_own(stage: Stage) -> None:
    """The declared rule asks a model once more; its tokens are counted with the chain's."""
    long = answer(facts="a" * 500, private="")
    await play(stage, by_step(read=long, write=WRITE, otherwise=answer(summary="short")))

    result = await ran(stage, two_steps(take={"facts": {"most": 20, "longer": "summarise"}}))

    assert result.outcome is Outcome.COMPLETED
    assert json.loads(stage.provider.sold[2].messages[0].text)["input"] == {"facts": "short"}
    assert result.steps[1].cut == ("facts: summarised from 500 to 5 characters",)
    assert result.spend.tokens == 90


@pytest.mark.requirement("C4.6:shortened", "C4.6:failed-step")
async def test_a_long_value_may_end_the_chain(stage: Stage) -> None:
    """`refuse`: the step is not begun, the chain names it and keeps what is done."""
    long = answer(facts="a" * 500, private="")
    await play(stage, by_step(read=long))

    result = await ran(stage, two_steps(take={"facts": {"most": 20, "longer": "refuse"}}))

    assert (result.outcome, result.failed) == (Outcome.FAILED, "write")
    assert "longer than the 20 characters" in result.reason
    assert result.steps[0].answer["facts"] == "a" * 500
    assert len(stage.provider.sold) == 1


@pytest.mark.requirement("C4.6:typed")
async def test_what_does_not_fit_never_reaches_a_model(stage: Stage) -> None:
    """A field within its own step's schema and outside the next one's ends the chain there."""
    chain = two_steps()
    chain["steps"][1]["input"]["properties"]["facts"] = {"type": "string", "maxLength": 3}
    await play(stage, by_step(read=READ))

    result = await ran(stage, chain)

    assert (result.outcome, result.failed) == (Outcome.FAILED, "write")
    assert "does not fit" in result.reason
    assert len(stage.provider.asked) == 1


@pytest.mark.requirement("C4.6:failed-step")
async def test_a_step_that_reaches_its_limit_ends_the_chain_with_it(stage: Stage) -> None:
    """The outcome is the step's, the chain names it, and the step after it is listed."""
    chain = two_steps()
    chain["steps"][0]["limits"] = {"steps": 1}
    await play(stage, by_step(read="no JSON"))

    result = await ran(stage, chain)

    assert (result.outcome, result.failed, result.waiting) == (Outcome.LIMIT, "read", ("write",))
    assert result.reason.startswith("step 'read' limit:")
    assert result.answer is None


@pytest.mark.requirement("C4.6:stopped-step")
async def test_a_stopped_step_waits_for_a_person_and_the_chain_goes_on(stage: Stage) -> None:
    """The key is refused once; after `retry` the chain ends well, and nothing is bought twice."""
    key = [True]

    def write(_: object) -> Any:
        return refused() if key else WRITE

    await play(stage, by_step(read=READ, write=write))
    handle = await begin(stage, two_steps())
    child = stage.client.get_workflow_handle(f"{handle.id}/write")
    await stage.until(handle, lambda status: status.tool == "write")
    await stage.stopped(child)

    key.clear()
    await child.signal("retry")
    result = await ended(stage, handle)

    assert (result.outcome, result.answer) == (Outcome.COMPLETED, {"letter": "dear reader"})
    assert stage.provider.bought_twice == 0


@pytest.mark.requirement("C4.6:failed-step", "C4.6:stopped-step")
async def test_a_step_that_a_person_ends_ends_the_chain(stage: Stage) -> None:
    """`abort` on the child: the chain's outcome is aborted, with the step's name."""
    await play(stage, by_step(read=READ, write=refused()))
    handle = await begin(stage, two_steps())
    child = stage.client.get_workflow_handle(f"{handle.id}/write")
    await stage.until(handle, lambda status: status.tool == "write")
    await stage.stopped(child)

    await child.signal("abort")
    result = await ended(stage, handle)

    assert (result.outcome, result.failed) == (Outcome.ABORTED, "write")
    assert result.steps[0].answer == {"facts": "the facts", "private": "MARKER"}


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
    "no schema": (changed("steps.0.output.properties.private.type", "strng"), "no JSON Schema"),
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


@pytest.mark.requirement("C4.6:own-agent")
async def test_a_step_of_another_agent_answers_by_the_steps_schema(stage: Stage) -> None:
    """Without an instruction the agent is given the fields alone."""
    chain = two_steps(agent="clerk", instruction="")
    seen: list[Asked] = []

    def script(asked: Asked) -> Any:
        seen.append(asked)
        return READ if asked.agent == "step" else WRITE

    await play(stage, script, agent("clerk"))

    result = await ran(stage, chain)

    assert (result.answer, seen[-1].agent) == ({"letter": "dear reader"}, "clerk")
    assert json.loads(seen[-1].messages[0].text) == {"facts": "the facts"}


@pytest.mark.requirement("C4.6:budget")
async def test_a_step_without_room_in_the_budget_is_not_begun(stage: Stage) -> None:
    """The chain ends at its limit, with the first step kept."""
    await play(stage, by_step(read=READ))

    result = await ran(stage, two_steps() | {"tokens": 150_020})

    assert (result.outcome, result.failed) == (Outcome.LIMIT, "write")
    assert "no room" in result.reason
    assert len(stage.provider.asked) == 1


@pytest.mark.requirement("C4.6:cancelled")
async def test_cancelling_a_chain_cancels_its_step(stage: Stage) -> None:
    """Both are closed; what was done is in the chain's record."""
    await play(stage, by_step(read=READ, write=refused()))
    handle = await begin(stage, two_steps())
    child = stage.client.get_workflow_handle(f"{handle.id}/write")
    await stage.until(handle, lambda status: status.tool == "write")
    await stage.stopped(child)

    await handle.cancel()
    status = await stage.closed(handle)

    assert (status.name, (await stage.closed(child)).name) == ("CANCELED", "CANCELED")


@pytest.mark.requirement("C4.6:crash")
async def test_a_lost_worker_costs_no_answered_step(stage: Stage) -> None:
    """The worker is exchanged while the second step stands; the first is not asked again."""
    key = [True]

    def write(_: object) -> Any:
        return refused() if key else WRITE

    await play(stage, by_step(read=READ, write=write))
    handle = await begin(stage, two_steps())
    child = stage.client.get_workflow_handle(f"{handle.id}/write")
    await stage.until(handle, lambda status: status.tool == "write")
    await stage.stopped(child)
    await stage.restart()

    key.clear()
    await child.signal("retry")
    result = await ended(stage, handle)

    assert result.outcome is Outcome.COMPLETED
    assert sum("do read" in asked.messages[0].text for asked in stage.provider.asked) == 1


@pytest.mark.requirement("C4.6:continued")
async def test_a_chain_that_continues_as_new_repeats_no_step(stage: Stage) -> None:
    """Its state carries each step's answer over, and what was handed on of it."""
    await play(stage, by_step(read=READ, write=WRITE))
    first = await ran(stage, two_steps() | {"steps": two_steps()["steps"][:1]})
    done = [step.model_dump(mode="json") for step in first.steps]
    state = {"lineage": "the-chain", "done": done, "continued": 1, "worked_s": 3}

    result = await ran(stage, two_steps() | {"state": state})

    assert (result.answer, result.continued) == ({"letter": "dear reader"}, 1)
    assert [each.name for each in result.steps] == ["read", "write"]
    assert result.steps[0].handed_tokens == 6
    assert sum("do read" in asked.messages[0].text for asked in stage.provider.asked) == 1


def longer(count: int) -> dict[str, Any]:
    """Return a chain of `count` steps, each handing one text to the next."""
    names = [f"s{number}" for number in range(count)]
    chain = [step(name, {"text": TEXT}, {"text": TEXT}) for name in names]
    return {"input": shape(text=TEXT), "steps": chain, "given": {"text": "0"}}


def next_number(asked: Asked) -> Say:
    """Answer the number that follows the one given."""
    given = json.loads(asked.messages[0].text)["input"]["text"]
    return answer(text=str(int(given) + 1))
