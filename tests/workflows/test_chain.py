"""Chains: what each step is given, what its failure comes to, what is counted."""

import json
from typing import Any

import pytest

from domain.runs import Outcome
from tests.fakes import Asked, answer, refused
from tests.workflows.chains import (
    READ,
    WRITE,
    begin,
    by_step,
    ended,
    play,
    ran,
    two_steps,
)
from tests.workflows.stage import Stage, agent


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
