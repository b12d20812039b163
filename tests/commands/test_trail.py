"""The chain over a run's events: what holds, and how a change is found and named."""

from decimal import Decimal

import pytest

from commands.trail import Trail
from domain.acting import ActOutcome
from domain.budget import Cap, Usage
from domain.messages import ROOT, Message, ToolCall, chain, link
from domain.state import AgentState
from domain.thinking import Reply, ThinkRequest

TASK = Message(role="user", text="count to two")
CALL = ToolCall(id="c1", name="lookup", arguments="{}")
ASKS = Message(role="assistant", calls=(CALL,))
SAID = Message(role="tool", text="two", call_id="c1")
DONE = Message(role="assistant", text="two")


def think(base: str, head: str, *new: str | Message) -> ThinkRequest:
    """Return a model call's request."""
    return ThinkRequest(
        lineage="l",
        turn=1,
        spec="s",
        base=base,
        head=head,
        new=new,
        cap=Cap(tokens=1, cost_usd=Decimal(0)),
        max_output_tokens=1,
    )


def reply(message: Message) -> Reply:
    """Return what a model said."""
    return Reply(message=message, finish="stop", usage=Usage(), cost_usd=Decimal(0), model="m")


def walk(result: str = "two", answer: Message = DONE) -> Trail:
    """Walk a run of two model calls and one tool call, of which `result` was recorded."""
    trail = Trail()
    first = chain(ROOT, [TASK.id])
    held = link(first, ASKS.id)
    second = link(held, SAID.id)
    trail.think("event 5", think(ROOT, first, TASK))
    trail.reply("event 7", think(ROOT, first, TASK), reply(ASKS))
    trail.outcome("event 13", "lookup", "c1", ActOutcome(kind="ok", text=result))
    trail.think("event 17", think(held, second, SAID.id))
    trail.reply("event 19", think(held, second, SAID.id), reply(answer))
    trail.end("event 25", link(second, DONE.id))
    return trail


def test_an_untouched_run_holds() -> None:
    """Every head can be recomputed, up to the one in the result."""
    trail = walk()

    assert (trail.breaks, trail.calls) == ([], 2)
    assert trail.last == chain(ROOT, [TASK.id, ASKS.id, SAID.id, DONE.id])


def test_a_changed_result_is_named() -> None:
    """A tool's result that is not what the model was given next is found at its own event."""
    trail = walk(result="three")

    assert [broken.event for broken in trail.breaks] == ["event 13"]
    assert "lookup" in trail.breaks[0].reason
    assert "event 17" in trail.breaks[0].reason


def test_a_changed_reply_is_named() -> None:
    """The next call goes on from a head that the changed reply does not lead to."""
    trail = Trail()
    first = chain(ROOT, [TASK.id])
    trail.think("event 5", think(ROOT, first, TASK))
    trail.reply("event 7", think(ROOT, first, TASK), reply(DONE))

    held = link(first, ASKS.id)
    trail.think("event 13", think(held, link(held, TASK.id), TASK))

    assert [broken.event for broken in trail.breaks] == ["event 7"]


def test_a_changed_answer_is_named_by_the_result() -> None:
    """The last message is nobody's input; the result's head still binds it."""
    trail = walk(answer=Message(role="assistant", text="three"))

    assert [broken.event for broken in trail.breaks] == ["event 25"]


def test_a_changed_task_breaks_the_call_that_holds_it() -> None:
    """What went by value must hash to the head that the call names."""
    trail = Trail()

    trail.think("event 5", think(ROOT, chain(ROOT, [TASK.id]), Message(role="user", text="x")))

    assert [broken.event for broken in trail.breaks] == ["event 5"]


def test_a_call_cannot_start_from_nowhere() -> None:
    """A base that no recorded conversation had is a break."""
    trail = Trail()

    trail.think("event 5", think("f00", link("f00", TASK.id), TASK))

    assert "which nothing before it hashes to" in trail.breaks[0].reason


@pytest.mark.parametrize(("head", "breaks"), [("", 1), (chain(ROOT, [TASK.id]), 0)])
def test_a_carried_over_state_must_be_its_own_hash(head: str, breaks: int) -> None:
    """Continue-as-new hands the transcript over by value; its head binds it."""
    trail = Trail()

    trail.begin("event 1", AgentState(lineage="l", messages=[TASK], head=head))

    assert len(trail.breaks) == breaks


def test_what_nobody_read_any_more_is_proven_by_the_result() -> None:
    """A run that ends at a limit has results, and words of its own, behind its last call."""

    def ended(result: str, *unread: str | Message) -> list[str]:
        trail = Trail()
        first = chain(ROOT, [TASK.id])
        trail.think("event 5", think(ROOT, first, TASK))
        trail.reply("event 7", think(ROOT, first, TASK), reply(ASKS))
        trail.outcome("event 13", "lookup", "c1", ActOutcome(kind="ok", text=result))
        held = link(first, ASKS.id)
        trail.end("event 15", chain(held, [SAID.id, TASK.id]), held, unread)
        return [broken.event for broken in trail.breaks]

    assert ended("two", SAID.id, TASK) == []
    assert "event 13" in ended("three", SAID.id, TASK)
    assert ended("two", SAID.id) == ["event 15"]
    assert ended("two") == ["event 15"]


@pytest.mark.parametrize(("recorded", "holds"), [("be brief", True), ("be rude", False)])
def test_what_a_run_was_told_of_its_memory_is_part_of_the_chain(recorded: str, holds: bool) -> None:
    """The model call refers to it by its id; changed afterwards, its event is named."""
    trail, memory = Trail(), Message(role="user", text="be brief")
    head = chain(ROOT, [TASK.id, memory.id])

    trail.told("event 4", Message(role="user", text=recorded))
    trail.think("event 5", think(ROOT, head, TASK, memory.id))

    assert [each.event for each in trail.breaks] == ([] if holds else ["event 4"])
