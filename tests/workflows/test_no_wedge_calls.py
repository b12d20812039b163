"""Whatever a model proposes or a tool does ends as news, and wedges no run."""

import asyncio
from typing import Any

import pytest

from agents.toolkit import tool
from domain.budget import Limits
from domain.run import Outcome
from tests.fakes import Never, Say, call, calls
from tests.workflows.stage import Stage, activities_in, agent
from tests.workflows.world import reading

DEEP = "[" * 10_000 + "]" * 10_000


@pytest.mark.requirement("C0:wedge-arguments")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"key": 5}', "5 is not of type 'string'"),
        ("{}", "'key' is a required property"),
        ('{"key": "a", "more": 1}', "more"),
        ('{"key": "a"', "not JSON"),
        ("", "'key' is a required property"),
        ("null", "must be a JSON object, not NoneType"),
        ('["a"]', "must be a JSON object, not list"),
        ('{"key": NaN}', "NaN is no JSON number"),
        ('{"key": 1e999}', "no JSON number"),
        ('{"key": "a", "key": "b"}', "same key twice"),
        (f'{{"key": {DEEP}}}', "nested too deeply"),
        ('{"key": ' + "[" * 400 + "]" * 400 + "}", "nested too deeply"),
        ('{"key": "' + "x" * 1_200_000 + '"}', "1000000 are allowed"),
        ('{"key": ' + "1" * 5_000 + "}", "not JSON"),
    ],
    ids=[
        "wrong-type", "missing", "unknown", "cut", "none", "null", "list", "nan", "infinite",
        "twice", "deep", "deep-enough", "huge", "long-number",
    ],
)  # fmt: skip
async def test_arguments_that_do_not_fit_are_news_for_the_model(
    stage: Stage, arguments: str, told: str
) -> None:
    """The model is told what is wrong, the tool is not run, and the run goes on."""
    await stage.play(agent(tools=[reading()]), [calls(("lookup", arguments)), "done"])

    handle = await stage.start()
    result = await stage.result(handle)

    assert result.outcome is Outcome.COMPLETED
    assert told in stage.provider.asked[1].results[0]
    assert activities_in(await handle.fetch_history()).count("lookup") == 0


@pytest.mark.requirement("C0:wedge-unknown-tool")
async def test_an_unknown_tool_is_answered_with_the_tools_there_are(stage: Stage) -> None:
    """The refusal of an invented tool lists the real ones; the known call beside it runs."""
    script = [calls(("invented", {}), ("lookup", {"key": "a"})), "done"]
    await stage.play(agent(tools=[reading()]), script)

    result = await stage.run()

    refused, ran = stage.provider.asked[1].results
    assert "no tool 'invented'" in refused
    assert "['lookup', 'read_artifact']" in refused
    assert ran == "value of a"
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C0:wedge-unknown-tool")
async def test_an_agent_without_tools_can_be_asked_for_one(stage: Stage) -> None:
    """A call of an agent that has no tool at all is refused like any unknown one."""
    await stage.play(agent(), [call("lookup", key="a"), "done"])

    result = await stage.run()

    assert "the tools are []" in stage.provider.asked[1].results[0]
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C0:wedge-call-ids")
async def test_two_calls_with_one_id_each_get_their_own_result(stage: Stage) -> None:
    """A call id that a model uses twice does not mix up what came back."""
    twice = Say(calls=call("lookup", key="a").calls + call("lookup", key="b").calls)
    await stage.play(agent(tools=[reading()]), [twice, "done"])

    result = await stage.run()

    assert stage.provider.asked[1].results == ["value of a", "value of b"]
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C0:wedge-reply")
async def test_a_reply_without_text_and_calls_goes_back_and_then_to_a_person(
    stage: Stage,
) -> None:
    """An empty answer is refused with the reason; after the revisions a person is asked."""
    await stage.play(agent(revisions=1), ["", "  "])

    handle = await stage.start()
    question = await stage.asked(handle)
    await handle.signal("reject")
    result = await stage.result(handle)

    assert "the answer is empty" in stage.provider.asked[1].said
    assert "the answer is empty" in question["why"]
    assert result.outcome is Outcome.ABORTED


@pytest.mark.requirement("C0:wedge-payload")
async def test_a_reply_of_three_megabytes_is_kept_whole(stage: Stage) -> None:
    """A reply above every payload limit goes through the store, and is the answer."""
    await stage.play(agent(), ["x" * 3_000_000])

    result = await stage.run()

    assert len(result.answer) == 3_000_000


@pytest.mark.requirement("C0:wedge-no-answer")
async def test_a_model_that_never_answers_ends_at_the_wall_clock(stage: Stage) -> None:
    """No answer is a limit reached, within the run's time."""
    await stage.play(agent(limits=Limits(wall_clock_s=1.5)), [Never()] * 10)

    result = await stage.run()

    assert (result.outcome, result.reason) == (Outcome.LIMIT, "limit reached: wall_clock_s")


@pytest.mark.requirement("C0:wedge-tool-error")
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no such account"), "ValueError: no such account"),
        (RecursionError("too deep"), "RecursionError"),
        (ZeroDivisionError(), "ZeroDivisionError"),
        (ValueError("half \ud800 a character"), "half ? a character"),
        (SystemExit(3), "SystemExit"),
        (asyncio.CancelledError(), "CancelledError"),
        (BaseExceptionGroup("several", [ValueError("a")]), "several"),
    ],
    ids=["value", "recursion", "bare", "surrogate", "exit", "cancelled", "group"],
)
async def test_an_exception_in_a_tool_is_news_for_the_model(
    stage: Stage, error: BaseException, told: str
) -> None:
    """The tool's own error is told once, not retried, and the run goes on."""
    script = [call("lookup", key="bad"), "done"]
    await stage.play(agent(tools=[reading({"bad": error})]), script)

    result = await stage.run()

    assert told in stage.provider.asked[1].results[0]
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C5:tool-gap")
@pytest.mark.parametrize("error", [TimeoutError("slow"), ConnectionError("gone \ud800")])
async def test_a_tool_that_stays_away_is_flagged_when_its_attempts_are_used_up(
    stage: Stage, error: Exception
) -> None:
    """A transient failure is tried again, as often as declared, then told as a gap."""
    tried: list[str] = []

    @tool(effect="read", source="ours", attempts=2)
    async def fetch(key: str) -> str:
        """Fetch a key."""
        tried.append(key)
        raise error

    await stage.play(agent(tools=[fetch]), [call("fetch", key="a"), "done"])

    result = await stage.run()

    assert len(tried) == 2
    assert "fetch is not available" in stage.provider.asked[1].results[0]
    assert "not available" in result.not_done[0]
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C5:tool-gap")
async def test_a_tool_that_hangs_is_cut_off_at_its_timeout(stage: Stage) -> None:
    """A read that does not return costs its timeout and no more."""

    @tool(effect="read", source="ours", attempts=1, timeout=0.3)
    async def fetch(key: str) -> str:
        """Fetch a key."""
        await asyncio.Event().wait()
        return key

    await stage.play(agent(tools=[fetch]), [call("fetch", key="a"), "done"])

    result = await stage.run()

    assert "fetch is not available" in stage.provider.asked[1].results[0]
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C3:artifact")
async def test_a_result_of_ten_megabytes_is_cut_and_can_be_paged_through(stage: Stage) -> None:
    """The model sees the beginning and a reference; reading on from it gives the rest."""
    whole = "".join(f"{number:09d};" for number in range(1_000_000))
    await stage.play(
        agent(tools=[reading({"big": whole})]),
        lambda asked: {
            0: call("lookup", key="big"),
            1: call("read_artifact", **_next(asked.results[0])) if asked.results else "",
            2: "done",
        }[len(asked.results)],
    )

    result = await stage.run()

    cut, page = stage.provider.asked[2].results
    assert cut.startswith(whole[:16_000])
    assert len(cut) < 17_000
    assert page.startswith(whole[16_000:28_000])
    assert result.outcome is Outcome.COMPLETED


def _next(cut: str) -> dict[str, Any]:
    reference = cut.rpartition('reference="')[2].partition('"')[0]
    offset = int(cut.rpartition("offset=")[2].rstrip(")]"))
    return {"reference": reference, "offset": offset}


@pytest.mark.requirement("C0:wedge-characters")
async def test_a_result_with_half_a_character_reaches_the_model_mended(stage: Stage) -> None:
    """A lone surrogate, which no history can record, becomes a question mark."""
    tools = [reading({"odd": "a\ud83db"})]
    await stage.play(agent(tools=tools), [call("lookup", key="odd"), "done"])

    await stage.run()

    assert stage.provider.asked[1].results == ["a?b"]


@pytest.mark.requirement("C0:wedge-characters")
async def test_an_argument_with_half_a_character_does_no_harm(stage: Stage) -> None:
    """An escaped lone surrogate in the arguments is refused or mended, and the run goes on."""
    script = [calls(("lookup", '{"key": "\\ud83d"}')), "done"]
    await stage.play(agent(tools=[reading()]), script)

    result = await stage.run()

    assert result.outcome is Outcome.COMPLETED
    assert len(stage.provider.asked[1].results) == 1


@pytest.mark.requirement("C4:reviewing-fails")
async def test_a_rule_that_breaks_puts_the_answer_before_a_person(stage: Stage) -> None:
    """An exception in an agent's own check is a reason to ask, not a lost run."""

    def broken(_: Any) -> list[str]:
        raise KeyError("no such field")

    await stage.play(agent(checks=[broken], revisions=0), ["done"])

    handle = await stage.start()
    question = await stage.asked(handle)
    await handle.signal("approve")
    result = await stage.result(handle)

    assert "broken" in question["why"]
    assert (result.outcome, result.answer) == (Outcome.COMPLETED, "done")
