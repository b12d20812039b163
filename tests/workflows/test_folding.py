"""A run that is longer than its window."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.client import Client

from agents.logbook.spec import AGENT as LOGBOOK
from agents.toolkit import AnswerToCheck
from bench.logbook import made
from commands.history import Leg
from commands.verify import walked
from domain import folds
from domain.folding import Past
from domain.run import Outcome
from domain.state import AgentState
from domain.window import WindowPolicy
from runtime.artifacts import Artifacts
from tests.fakes import Asked, Say, Step, call, calls, refused
from tests.workflows.long import SMALL, counting, stand_in, trail_of, update
from tests.workflows.stage import Stage, activities_in, agent
from tests.workflows.world import World, reading, writing


def turns_of(stage: Stage) -> list[Asked]:
    """Return the calls of the conversation itself."""
    return [asked for asked in stage.provider.asked if asked.purpose == "turn"]


@pytest.mark.requirement("C5.1:long-run")
async def test_what_was_said_at_the_beginning_is_known_at_the_end(
    stage: Stage, impatient: Client, tmp_path: Path
) -> None:
    """Page 3 is asked for on page 32: answered through folds and runs continued as new."""
    book, path = made(32, 11), tmp_path / "logbook.txt"
    book.write(path)
    stage.client = impatient
    reader = replace(LOGBOOK, tools=[*LOGBOOK.tools, *agent(tools=[reading()]).tools[-1:]])
    await stage.play(reader, stand_in)

    handle = await stage.start("Answer the last page.", data={"logbook": str(path)})
    result = await stage.result(handle)

    assert result.answer["answer"] == book.answer
    assert result.continued > 1
    assert result.memory is not None
    assert result.memory.folds >= 5
    policy = LOGBOOK.window or WindowPolicy()
    assert all(len(asked.messages) <= policy.messages + 2 for asked in turns_of(stage))
    sizes = [sum(m.size for m in asked.messages) for asked in turns_of(stage)]
    first, last = sizes[9:17], sizes[-9:-1]
    assert sum(last) / len(last) < 1.15 * sum(first) / len(first)
    assert stage.provider.bought_twice == 0
    trail = await trail_of(stage, handle)
    assert trail.breaks == []


@pytest.mark.requirement("C5.1:window-short")
async def test_a_run_shorter_than_its_window_leaves_the_same_events(stage: Stage) -> None:
    """Event by event the run is the one of an agent without a window."""
    kinds: list[list[int]] = []
    for policy in (None, SMALL):
        await stage.play(agent(tools=[reading()], window=policy), counting(2))
        handle = await stage.start()
        await stage.result(handle)
        kinds.append([event.event_type for event in (await handle.fetch_history()).events])
        await stage.stop()

    assert kinds[0] == kinds[1]


@pytest.mark.requirement("C5.1:window-cut")
async def test_no_call_is_shown_without_its_result(stage: Stage) -> None:
    """Turns of several calls stay whole, in the window and in what is summarised."""

    def script(asked: Asked) -> Step:
        if asked.purpose == "summary":
            return update(asked)
        n = int(asked.results[-1].rpartition(" ")[2]) if asked.results else 0
        return "done" if n > 8 else calls(*(("lookup", {"key": str(n + i)}) for i in (1, 2, 3)))

    await stage.play(agent(tools=[reading()], window=SMALL), script)

    await stage.run()

    assert len(stage.provider.asked) > len(turns_of(stage))
    for asked in stage.provider.asked:
        open_calls: set[str] = set()
        for message in asked.messages:
            if message.role == "tool":
                open_calls.remove(message.call_id)
            else:
                assert not open_calls
            open_calls |= {each.id for each in message.calls}


@pytest.mark.requirement("C5.1:window-goal")
async def test_what_code_knows_does_not_depend_on_the_summary(stage: Stage) -> None:
    """A summary that says nothing loses neither the task, nor a write, nor a decision."""
    world = World()
    look = counting(5)

    def model(asked: Asked) -> Step:
        return call("pay", item="A-17") if len(asked.messages) == 1 else look(asked)

    tools = [reading(), writing(world, "pay", effect="irreversible")]
    await stage.play(agent(tools=tools, window=SMALL), model)
    handle = await stage.start("settle the order")
    await stage.asked(handle)
    await stage.decide(handle, verdict="approve", reason="it is due")
    await stage.result(handle)

    task, memory, *_ = turns_of(stage)[-1].messages
    assert task.text == "settle the order"
    assert '- pay {"item":"A-17"}: pay A-17: done' in memory.text
    assert "- approve: run pay. it is due" in memory.text
    assert world.done == ["pay A-17"]


@pytest.mark.requirement("C5.1:summary-refused")
async def test_a_summary_that_breaks_a_rule_goes_back_once(stage: Stage) -> None:
    """The model is told why; what it then says is kept."""
    asked_for: list[str] = []

    def summarise(asked: Asked) -> Step:
        asked_for.append(asked.said)
        again = "was refused" in asked.said
        return update(asked, "value of 0" if again else "value of 99")

    await stage.play(agent(tools=[reading()], window=SMALL), counting(4, summarise))

    result = await stage.run()

    assert len(asked_for) == 2
    assert "the number 99 is in none of the messages" in asked_for[1]
    assert result.memory is not None
    assert result.memory.manifest is not None
    assert [fact.text for fact in result.memory.manifest.facts] == ["value of 0"]


@pytest.mark.requirement("C5.1:summary-refused")
@pytest.mark.parametrize("said", ["I cannot do that.", "", '{"facts": "none"}'])
async def test_where_no_summary_is_one_rules_write_it(stage: Stage, said: str) -> None:
    """The run goes on, and knows the beginning of each message that was folded."""
    await stage.play(agent(tools=[reading()], window=SMALL), counting(5, lambda _: Say(said)))

    result = await stage.run()

    assert result.outcome is Outcome.COMPLETED
    assert result.memory is not None
    assert result.memory.manifest is not None
    assert 'lookup {"key": "0"} gave "value of 0"' in {
        fact.text for fact in result.memory.manifest.facts
    }


@pytest.mark.requirement("C5.1:window-miss")
async def test_a_worker_that_remembers_nothing_goes_on_behind_a_fold(stage: Stage) -> None:
    """It is sent the window, and nothing is bought again."""
    failing = iter([refused()])

    def model(asked: Asked) -> Step:
        out = len(turns_of(stage)) == 6 and asked.purpose == "turn"
        return next(failing, look(asked)) if out else look(asked)

    look = counting(7)
    await stage.play(agent(tools=[reading()], window=SMALL), model)
    handle = await stage.start()
    await stage.stopped(handle)
    await stage.restart()
    await handle.signal("retry")
    result = await stage.result(handle)

    assert result.answer == "done"
    assert stage.provider.bought_twice == 0
    assert (await trail_of(stage, handle)).breaks == []


@pytest.mark.requirement("C5.1:window-chain")
async def test_a_folded_run_that_was_tampered_with_does_not_verify(stage: Stage) -> None:
    """A changed result, a changed summary and a changed memory are each found."""
    await stage.play(
        agent(tools=[reading()], window=SMALL),
        counting(5, lambda asked: update(asked, "value of 0", progress="on the way")),
    )
    handle = await stage.start()
    await stage.result(handle)
    events = list((await handle.fetch_history()).events)
    converter = stage.client.data_converter

    async def breaks(old: bytes, new: bytes, number: int = 0) -> int:
        changed = [type(event).FromString(event.SerializeToString()) for event in events]
        hits = [i for i, event in enumerate(changed) if old in event.SerializeToString()]
        raw = changed[hits[number]].SerializeToString()
        assert len(old) == len(new)
        changed[hits[number]] = type(events[0]).FromString(raw.replace(old, new))
        return len((await walked(converter, [Leg("x", changed)])).breaks)

    assert (await walked(converter, [Leg("x", events)])).breaks == []
    assert await breaks(b"value of 3", b"value of 4") > 0
    assert await breaks(b"on the way", b"on the WAY") > 0  # what the model said for a summary
    assert await breaks(b"Where the work stands: on", b"Where the work stands: in") > 0


@pytest.mark.requirement("C5.1:window-fork")
async def test_a_run_can_be_forked_from_a_turn_that_was_folded_away(stage: Stage) -> None:
    """The fork is asked with the conversation as it was, and goes its own way."""
    await stage.play(
        agent(tools=[reading()], window=SMALL),
        counting(7, lambda asked: update(asked, progress="on the way")),
    )
    handle = await stage.start()
    await stage.result(handle)
    then = [asked.messages for asked in turns_of(stage)]

    for turn in (2, 7):
        state = await handle.query("snapshot", turn, result_type=AgentState)
        if state.elsewhere:
            content = await Artifacts(stage.database).get(state.elsewhere)
            assert content is not None
            state = folds.unfolded(state, Past.model_validate_json(content)).at(turn)
        forked = state.model_copy(update={"lineage": f"fork-{turn}"})
        before = len(stage.provider.asked)
        fork = await stage.start(state=forked.model_dump(mode="json"))
        result = await stage.result(fork)

        assert result.answer == "done"
        assert stage.provider.asked[before].messages == then[turn]
        assert (await trail_of(stage, fork)).breaks == []


@pytest.mark.requirement("C5.1:window-budget")
async def test_a_summary_that_does_not_fit_the_budget_ends_the_run_at_its_limit(
    stage: Stage,
) -> None:
    """It counts as a model call, is reserved like any, and is no way around a cap."""
    await stage.play(agent(tools=[reading()], window=SMALL), counting(20))

    handle = await stage.start(limits={"steps": 4})
    result = await stage.result(handle)

    assert result.outcome is Outcome.LIMIT
    assert [asked.purpose for asked in stage.provider.asked].count("summary") == 0
    assert len(stage.provider.asked) == 4
    assert (await trail_of(stage, handle)).breaks == []


@pytest.mark.requirement("C5.1:window-large")
async def test_results_that_are_over_the_window_are_cut_and_kept(stage: Stage) -> None:
    """The model is shown the beginning and can read the whole; the chain holds."""
    tight = WindowPolicy(messages=0, tokens=3_000, keep=2, manifest_bytes=500)
    huge = reading({"big": "word " * 3_000, "bigger": "text " * 3_000}, source="outside")
    script: list[Step] = [calls(("lookup", {"key": "big"}), ("lookup", {"key": "bigger"})), "done"]
    await stage.play(agent(tools=[huge], window=tight), script)

    handle = await stage.start()
    await stage.result(handle)

    shown = stage.provider.asked[-1]
    assert sum(message.size for message in shown.messages) < 3 * tight.tokens
    for result in shown.results:
        assert "[cut: " in result
        assert result.startswith("<outside ")
        assert result.count("</outside ") == 1
        reference = result.rpartition('reference="')[2].partition('"')[0]
        kept = await Artifacts(stage.database).get(reference)
        assert kept is not None
        assert len(kept) == 15_000
    assert (await trail_of(stage, handle)).breaks == []


@pytest.mark.requirement("C5.1:window-checks")
async def test_rules_over_an_answer_see_the_calls_that_were_folded(stage: Stage) -> None:
    """An answer may rest on a result that has left the window."""
    seen: list[tuple[str, ...]] = []

    def rests_on_all(given: AnswerToCheck) -> list[str]:
        seen.append(tuple(str(each.arguments["key"]) for each in given.made))
        return []

    tested = agent(tools=[reading()], window=SMALL, checks=[rests_on_all])
    await stage.play(tested, counting(8))

    result = await stage.run()

    assert seen == [tuple(str(number) for number in range(9))]
    assert result.tool_calls == 9


@pytest.mark.requirement("C5.1:window-refuses")
async def test_a_task_that_leaves_no_room_is_refused_at_once(stage: Stage) -> None:
    """Nothing is bought, and the letter says what to do."""
    tight = WindowPolicy(messages=6, tokens=2_000, keep=2, manifest_bytes=500)
    await stage.play(agent(tools=[reading()], window=tight), [])

    result = await stage.run("t" * 9_000)

    assert result.outcome is Outcome.REJECTED
    assert "hand the task's material in as data" in result.reason
    assert stage.provider.asked == []


@pytest.mark.requirement("C5.1:window-cut")
async def test_a_fold_is_seen_in_the_history(stage: Stage) -> None:
    """The summary is a model call; judging it and keeping the window are one marker."""
    await stage.play(agent(tools=[reading()], window=SMALL), counting(4))
    handle = await stage.start()
    await stage.result(handle)
    history = await handle.fetch_history()

    assert activities_in(history).count("llm.think") == 1 + 6
    markers = [
        json.loads(event.marker_recorded_event_attributes.details["data"].payloads[0].data)
        for event in history.events
        if event.HasField("marker_recorded_event_attributes")
    ]
    assert [m["activity_type"] for m in markers].count("window.fold") == 1
