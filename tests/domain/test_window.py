"""Where a conversation is cut, how large it is, and how a fold is undone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain import folds, window
from domain.context import assemble, fixed_size, is_due, no_room, tokens
from domain.folding import Folded, Past
from domain.manifest import Manifest
from domain.messages import Message, ToolCall
from domain.spec import AgentSpec
from domain.state import AgentState
from domain.window import WIDE, WindowPolicy
from tests.domain.given import state

SPEC = AgentSpec(name="a", system="s" * 300)
POLICY = WindowPolicy(messages=6, tokens=4_000, keep=2, manifest_bytes=500)


def turn(number: int, results: int, size: int = 10) -> list[Message]:
    """Return the messages of one turn with `results` calls."""
    calls = tuple(ToolCall(id=f"{number}-{i}", name="look", arguments="{}") for i in range(results))
    said = [Message(role="tool", call_id=call.id, text="x" * size) for call in calls]
    return [Message(role="assistant", text="" if calls else "done", calls=calls), *said]


def folded(run: AgentState, policy: WindowPolicy = POLICY, **kept: str) -> Past:
    """Fold `run`, with `kept` as facts and their sources; return the window as it was."""
    cut = folds.Cut(run, policy, fixed_size(SPEC))
    past = folds.past(run, cut)
    manifest = run.window.manifest or Manifest()
    for source, text in kept.items():
        manifest = manifest.with_fact(text, source)
    folds.fold(run, SPEC, cut, Folded(manifest=manifest, record=f"r{len(run.turns)}"), ["said"])
    return past


@pytest.mark.requirement("C5.1:window-cut")
@given(
    shape=st.lists(st.integers(0, 4), min_size=1, max_size=12),
    keep=st.integers(1, 8),
    room=st.integers(0, 5_000),
)
def test_a_cut_lies_between_turns_and_leaves_the_last_one(
    shape: list[int], keep: int, room: int
) -> None:
    """Whatever the turns, no call is parted from its result and what is unread stays."""
    task = Message(role="user", text="task")
    turns = [turn(number, results) for number, results in enumerate(shape)]
    messages = [task, *[message for each in turns for message in each]]

    at = window.cut_at(messages, 1, keep, room)

    before, after = messages[1:at], messages[at:]
    called = {call.id for message in before for call in message.calls}
    assert called == {message.call_id for message in before if message.role == "tool"}
    assert after[-len(turns[-1]) :] == turns[-1]
    assert at == 1 or len(after) >= min(keep, len(turns[-1]))


@pytest.mark.requirement("C5.1:window-cut")
def test_what_stays_fits_its_room() -> None:
    """More messages are folded than `keep` asks for where the last ones are large."""
    messages = [Message(role="user", text="task")]
    for number in range(5):
        messages += turn(number, 1, size=1_000)

    assert window.cut_at(messages, 1, keep=6, room=100_000) == 5
    assert window.cut_at(messages, 1, keep=6, room=2_500) == 7
    assert window.cut_at(messages, 1, keep=6, room=10) == 9


@pytest.mark.requirement("C5.1:window-goal")
def test_a_fold_leaves_the_task_and_says_what_code_knows() -> None:
    """The first message is untouched; plan and notes stand in the second whatever is kept."""
    run = state(8)
    run.plan, run.notes = ["look", "answer"], {"order": "A-17"}

    folded(run, m3="the code is 7")

    task, memory, *last = run.messages
    assert task.text == "task"
    for said in ("the code is 7", "1. look", "- order: A-17"):
        assert said in memory.text
    assert run.messages == assemble([task], memory, last)
    assert len(last) == POLICY.keep
    assert run.proven()


@pytest.mark.requirement("C5.1:window-goal")
def test_writes_and_decisions_of_any_number_take_bounded_room() -> None:
    """The last ones are told, those before them are counted."""
    run = state(8)
    write = {"tool": "pay", "arguments": {"to": "x" * 900}, "key": "k", "text": "paid"}
    run.writes = [type(run).model_validate({"lineage": "", "writes": [write]}).writes[0]] * 500

    folded(run)

    text = run.messages[1].text
    assert "before these: pay, 480 times" in text
    assert len(text) < 8_000


@pytest.mark.requirement("C5.1:window-fork")
@given(turns=st.integers(4, 12), more=st.integers(0, 6), at=st.integers(0, 12))
def test_a_turn_that_was_folded_away_is_whole_in_its_record(turns: int, more: int, at: int) -> None:
    """The state at any turn is the one that a run without folds has there, memory apart."""
    run = state(turns)
    past = folded(run)
    grow(run, turns, more)
    at = min(at, turns + more)

    asked = run.at(at)
    earlier = folds.unfolded(asked, past).at(at) if asked.elsewhere else asked

    plain = state(turns)
    grow(plain, turns, more)
    assert asked.elsewhere == (f"r{turns}" if at < turns else "")
    expected = plain.at(at).messages
    if not asked.elsewhere:
        kept = len(expected) - run.window.gone
        expected = [expected[0], run.messages[1], *expected[len(expected) - kept + 1 :]]
    assert earlier.messages == expected
    assert earlier.spend == plain.at(at).spend
    assert earlier.proven()


def grow(run: AgentState, number: int, more: int) -> None:
    """Let a run go on for `more` turns behind its turn `number`."""
    whole = state(number + more)
    last = whole.turns[number - 1].messages + 1
    at = len(run.messages)
    for message in whole.messages[last:]:
        run.add(message, made=True)
    for each in whole.turns[number:]:
        shifted = each.messages - last + at
        run.turns.append(each.model_copy(update={"messages": shifted}))


@pytest.mark.requirement("C5.1:window-declared")
@pytest.mark.parametrize(
    "wrong",
    [{"messages": 6, "keep": 6}, {"tokens": 1_000, "manifest_bytes": 2_000}, {"tokens": 10}],
)
def test_a_window_that_cannot_work_is_refused(wrong: dict[str, int]) -> None:
    """What is kept must be less than the window, and the memory a part of it."""
    with pytest.raises(ValidationError):
        WindowPolicy(**wrong)


@pytest.mark.requirement("C5.1:window-refuses")
def test_a_task_that_leaves_no_room_is_told_by_how_much() -> None:
    """The window without a limit of messages has room for any task that a run takes."""
    spec = SPEC.model_copy(update={"window": POLICY})

    assert no_room(spec, "t" * 1_000) == ""
    assert "a window of 4450 tokens" in no_room(spec, "t" * 12_000)
    assert no_room(spec.model_copy(update={"window": WIDE}), "t" * 200_000) == ""


@pytest.mark.requirement("C5.1:long-run")
def test_tokens_are_as_dear_as_the_provider_has_counted_them() -> None:
    """Without a count three bytes are a token; after one, what is new is added to it."""
    run, fixed = state(2), 3_000
    plain = tokens(run, fixed)
    run.counted_tokens, run.counted_messages = 50_000, len(run.messages)

    assert 1_000 < plain < 1_200
    assert tokens(run, fixed) == 50_000
    assert is_due(run, POLICY, fixed)
    folded(run)
    assert run.window.rate > 1  # dense text: what the provider counted is remembered


@pytest.mark.requirement("C5.1:window-chain")
def test_what_the_run_itself_said_right_before_a_fold_goes_by_value() -> None:
    """No event has it, so a call that named it by its id alone could not be proven."""
    run = state(8)
    run.hold()
    noted = Message(role="tool", call_id="n", text="[noted] {}")
    run.add(
        Message(role="assistant", calls=(ToolCall(id="n", name="note", arguments=""),)), made=True
    )
    run.add(noted, made=False)

    folded(run)

    assert noted in run.new()
    assert all(isinstance(item, str) for item in run.new()[2:-1])
