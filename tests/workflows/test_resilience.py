"""Tools and providers that are away: who waits, who stands in, who is asked."""

from datetime import timedelta
from typing import Any

import pytest

from activities.breaking import BreakerControl
from activities.controls import Attempt, Went
from activities.pausing import PauseControl
from agents.toolkit import ToolError, ToolUnavailableError
from domain.breaker import BreakerPolicy, BreakerState
from domain.budget import Limits
from domain.cascade import CascadePolicy
from domain.refused import BREAKER_OPEN
from domain.run import Outcome
from runtime.breakers import Breakers
from runtime.pauses import Pauses
from tests.fakes import busy, call, calls
from tests.workflows.resilience import Refusing
from tests.workflows.stage import Stage, agent, eventually
from tests.workflows.world import World, reading, writing

AWAY = ToolUnavailableError("closed for the night")
LOST = ConnectionError("the line went dead")
QUICK = BreakerPolicy(failures=3, probe_s=60)


def breakers(stage: Stage) -> Breakers:
    """Have the stage's attempts pass breakers, and return where they are kept."""
    store = Breakers(stage.database)
    stage.controls = [BreakerControl(store)]
    return store


async def state_of(store: Breakers, name: str) -> BreakerState:
    """Return how a breaker is."""
    return next(each.state for each in await store.list() if each.name == name)


def down(name: str, **declared: Any) -> tuple[Any, list[str]]:
    """Return a read tool that is away, and the keys that it was called with."""
    reached: list[str] = []

    class Gone(dict[str, Any]):
        def get(self, key: str, *_: Any) -> Any:
            reached.append(key)
            return LOST

    return reading(Gone(a=1), name, breaker=QUICK, attempts=2, **declared), reached


@pytest.mark.requirement("C5.4:fails-at-once")
async def test_once_it_is_open_no_run_reaches_the_tool(stage: Stage) -> None:
    """Three attempts open it; every later call of this run and of others is told at once."""
    store = breakers(stage)
    tool, reached = down("fetch_open")
    script = [call("fetch_open", key=key) for key in "abc"]
    await stage.play(agent(tools=[tool], loops=None), [*script, "done", script[0], "done"])

    first = await stage.run()
    second = await stage.run()

    assert reached == ["a", "a", "b"]
    assert await state_of(store, "tool.fetch_open") is BreakerState.OPEN
    assert "down since" in stage.provider.asked[3].results[2]
    assert "the line went dead" in stage.provider.asked[5].results[0]
    assert [len(first.degraded), len(second.degraded)] == [3, 1]
    assert second.degraded[0].startswith("fetch_open: not called: down since")
    assert first.outcome is second.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C5.4:probe")
async def test_the_first_attempt_after_the_interval_closes_the_breaker(stage: Stage) -> None:
    """It works again: that call goes through, and so does everyone's after it."""
    store = breakers(stage)
    policy = BreakerPolicy(failures=1, probe_s=0.05)
    answers: dict[str, Any] = {"a": LOST}
    tool = reading(answers, "fetch_back", breaker=policy, attempts=1)
    script = [call("fetch_back", key=key) for key in "abc"]
    await stage.play(agent(tools=[tool], loops=None), [*script, "done"])

    result = await stage.run()

    assert result.degraded[0].startswith("fetch_back: ConnectionError")
    assert stage.provider.asked[3].results[1:] == ["value of b", "value of c"]
    assert await state_of(store, "tool.fetch_back") is BreakerState.CLOSED


@pytest.mark.requirement("C5.4:fallback")
async def test_another_tool_stands_in_at_once_and_the_result_says_so(stage: Stage) -> None:
    """A read that is down costs nobody its timeouts: the declared other one answers."""
    breakers(stage)
    tool, reached = down("fetch_other", fallback="spare")
    script = [call("fetch_other", key=key) for key in "ab"]
    tools = [tool, reading(name="spare")]
    await stage.play(agent(tools=tools, loops=None), [*script, "done"])

    result = await stage.run()

    assert stage.provider.asked[2].results == ["value of a", "value of b"]
    assert reached == ["a", "a", "b"]
    assert result.degraded[1].startswith("fetch_other, spare in its place: ")
    assert result.not_done == ()


@pytest.mark.requirement("C5.4:fallback")
async def test_a_hard_stop_waits_for_a_person_and_goes_on_from_there(stage: Stage) -> None:
    """The stop says since when the tool is down; a retry after a reset goes through."""
    store = breakers(stage)
    answers: dict[str, Any] = {"a": LOST}
    policy = BreakerPolicy(failures=1, probe_s=600)
    tool = reading(answers, "fetch_stop", breaker=policy, attempts=1, fallback="stop")
    await stage.play(agent(tools=[tool]), [call("fetch_stop", key="a"), "done"])
    handle = await stage.start()

    await stage.stopped(handle)
    answers.clear()
    await handle.signal("retry")
    status = await stage.until(handle, lambda s: s.stop and "down since" in s.stop.reason)
    await store.reset("tool.fetch_stop")
    await handle.signal("retry")
    result = await stage.result(handle)

    assert status.stop is not None
    assert result.outcome is Outcome.COMPLETED
    assert stage.provider.asked[1].results == ["value of a"]


@pytest.mark.requirement("C5.4:no-doubt")
async def test_a_write_that_was_held_back_is_not_in_doubt(stage: Stage) -> None:
    """Nothing was sent, so nobody is asked; what was written is what happened."""
    breakers(stage)
    world = World()
    put = writing(world, "put_held", trouble=[AWAY, AWAY, AWAY], breaker=QUICK)
    script = [call("put_held", item=item) for item in "abcd"]
    await stage.play(agent(tools=[put], loops=None), [*script, "done"])

    result = await stage.run()

    assert (world.done, result.writes, result.decisions) == ([], (), ())
    assert "down since" in stage.provider.asked[4].results[3]


@pytest.mark.requirement("C5.4:no-doubt")
async def test_a_write_that_may_have_happened_stays_in_doubt_behind_an_open_breaker(
    stage: Stage,
) -> None:
    """The first attempt was lost after its effect; that the second was held back denies nothing."""
    breakers(stage)
    world = World()
    policy = BreakerPolicy(failures=1, probe_s=60)
    put = writing(world, "put_lost", trouble=[LOST], breaker=policy, idempotent=True)
    await stage.play(agent(tools=[put]), [call("put_lost", item="a"), "done"])
    handle = await stage.start()

    status = await stage.stopped(handle)
    await handle.signal("abort")
    await stage.closed(handle)

    assert status.stop is not None
    assert "it may have happened" in status.stop.hint
    assert world.done == ["put_lost a"]


@pytest.mark.requirement("C5.4:no-doubt")
async def test_a_write_is_in_doubt_although_its_service_was_away_at_last(stage: Stage) -> None:
    """Lost first, then away, to the last attempt: what the last one says is not the whole truth."""
    world = World()
    put = writing(world, "put_away", trouble=[LOST, AWAY], idempotent=True, attempts=2)
    await stage.play(agent(tools=[put]), [call("put_away", item="a"), "done"])
    handle = await stage.start()

    status = await stage.stopped(handle)
    await handle.signal("abort")
    await stage.closed(handle)

    assert status.stop is not None
    assert "it may have happened" in status.stop.hint


@pytest.mark.requirement("C5.4:no-doubt")
async def test_a_doubt_outlasts_a_retry_that_found_the_service_away(stage: Stage) -> None:
    """Lost, stopped, sent again by a person, away: it may still have happened the first time."""
    world = World()
    put = writing(world, "put_again", trouble=[LOST, AWAY], idempotent=True, attempts=1)
    await stage.play(agent(tools=[put]), [call("put_again", item="a"), "done"])
    handle = await stage.start()

    await stage.stopped(handle)
    await handle.signal("retry")
    status = await stage.until(handle, lambda s: s.stop and "closed for" in s.stop.reason)
    await handle.signal("retry")
    result = await stage.result(handle)

    assert status.stop is not None
    assert "it may have happened" in status.stop.hint
    assert len(world.kept) == len(result.writes) == 1


@pytest.mark.requirement("C5.4:no-doubt")
async def test_a_write_whose_service_was_away_throughout_is_no_doubt(stage: Stage) -> None:
    """Each attempt tells the next that nothing has happened so far."""
    world = World()
    put = writing(world, "put_never", trouble=[AWAY, AWAY, AWAY], idempotent=True)
    await stage.play(agent(tools=[put]), [call("put_never", item="a"), "done"])

    result = await stage.run()

    assert (world.done, result.decisions) == ([], ())
    assert "put_never is not available" in stage.provider.asked[1].results[0]


@pytest.mark.requirement("C5.4:availability")
async def test_a_tool_that_refuses_is_there(stage: Stage) -> None:
    """Refusals are answers: however many, its breaker has nothing to count."""
    store = breakers(stage)
    tool = reading(dict.fromkeys("abcd", ToolError("no")), "fetch_no", breaker=QUICK)
    script = [call("fetch_no", key=key) for key in "abcd"]
    await stage.play(agent(tools=[tool], loops=None), [*script, "done"])

    await stage.run()

    assert stage.provider.asked[4].results == ["error: no"] * 4
    assert "tool.fetch_no" not in {each.name for each in await store.list()}


@pytest.mark.requirement("C5.4:pause")
async def test_what_one_run_is_told_holds_for_all(stage: Stage) -> None:
    """After one 503 with a retry-after nobody asks until then, in whichever process."""
    pauses = Pauses(stage.database)
    stage.controls = [PauseControl(pauses)]
    wait = timedelta(seconds=0.8)
    told: Any = busy()
    told.retry_after = wait
    await stage.play(agent(), [told, "done", "done"])
    first = await stage.start()

    async def paused() -> bool:
        return "llm.openai" in await pauses.under_way()

    await eventually(paused)
    other = PauseControl(pauses)
    attempt = Attempt("model", "openai", "another process")
    with pytest.raises(Exception, match="asked to be left alone"):
        await other.before(attempt)
    second = await stage.start()
    results = [await stage.result(first), await stage.result(second)]

    assert [result.outcome for result in results] == [Outcome.COMPLETED] * 2
    assert len(stage.provider.asked) == 3


@pytest.mark.requirement("C5.4:pause-free")
async def test_a_pause_uses_up_no_attempts(stage: Stage) -> None:
    """Refused more often than a call has attempts, it ends well all the same."""
    refusing = Refusing(7)
    stage.controls = [refusing]
    await stage.play(agent(), [busy(), "done"])

    result = await stage.run()

    assert result.outcome is Outcome.COMPLETED
    assert (refusing.left, refusing.asked) == (0, 9)


@pytest.mark.requirement("C5.4:pause-free")
async def test_a_pause_gives_no_attempts_either(stage: Stage) -> None:
    """With a refusal after each of its six failures, a provider that is down stops the run."""
    stage.controls = [Refusing(5, between=True)]
    await stage.play(agent(), [*[busy()] * 6, "done"])
    handle = await stage.start()

    status = await stage.stopped(handle)
    tried = len(stage.provider.asked)
    await handle.signal("retry")
    result = await stage.result(handle)

    assert tried == 6
    assert status.stop is not None
    assert "503: try again" in status.stop.reason
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C5.4:pause-free")
async def test_a_pause_does_not_outlast_the_wall_clock(stage: Stage) -> None:
    """A pause of an hour ends a run of a second at its limit, and not as stopped."""
    stage.controls = [Refusing(1, wait=3_600)]
    await stage.play(agent(limits=Limits(wall_clock_s=1.0)), ["done"])

    result = await stage.run()

    assert (result.outcome, result.reason) == (Outcome.LIMIT, "limit reached: wall_clock_s")
    assert stage.provider.asked == []


@pytest.mark.requirement("C5.4:pause-elsewhere")
async def test_a_long_pause_is_not_waited_for_where_another_model_is(stage: Stage) -> None:
    """The next model of the route answers at once."""
    stage.controls = [Refusing(1, wait=3_600)]
    route = ("openai:gpt-5-mini", "openai:gpt-5")
    await stage.play(agent(route=route), ["done"])

    result = await stage.run()

    assert result.outcome is Outcome.COMPLETED
    assert [asked.model for asked in stage.provider.asked] == ["gpt-5"]


@pytest.mark.requirement("C5.4:pause-elsewhere")
async def test_a_provider_that_is_down_gives_way_to_the_next_at_once(stage: Stage) -> None:
    """However soon its breaker lets somebody look; without another model the run waits for that."""
    stage.controls = [refusing := Refusing(1, kind=BREAKER_OPEN)]
    both = agent(name="both", route=("openai:gpt-5-mini", "openai:gpt-5"))
    await stage.play([both, agent(name="one")], lambda _: "done")

    await stage.run()
    refusing.left = 2
    waited = await stage.result(await stage.start_raw({"agent": "one", "task": "do it"}))

    assert [asked.model for asked in stage.provider.asked] == ["gpt-5", "gpt-5-mini"]
    assert (waited.outcome, refusing.left) == (Outcome.COMPLETED, 0)


@pytest.mark.requirement("C5.4:pause")
async def test_a_tool_that_asks_for_a_pause_is_called_again_after_it(stage: Stage) -> None:
    """A write that is tried once is not given up for it: nothing was sent."""
    world = World()
    stage.controls = [Refusing(2, of="tool")]
    await stage.play(agent(tools=[writing(world)]), [call("put", item="a"), "done"])

    result = await stage.run()

    assert world.done == ["put a"]
    assert (result.degraded, result.decisions) == ((), ())


@pytest.mark.requirement("C5.4:cascade")
async def test_a_run_whose_attempts_keep_failing_stands_still(stage: Stage) -> None:
    """Six failed attempts of two tools stop it before the next model call; a retry goes on."""
    tools = [
        reading({"a": LOST}, "fetch_one", attempts=3),
        reading({"a": LOST}, "fetch_two", attempts=3),
    ]
    policy = CascadePolicy(failures=6, window_s=600)
    both = calls(("fetch_one", {"key": "a"}), ("fetch_two", {"key": "a"}))
    await stage.play(agent(tools=tools, cascade=policy), [both, "done"])
    handle = await stage.start()

    status = await stage.stopped(handle)
    asked = len(stage.provider.asked)
    await handle.signal("retry")
    result = await stage.result(handle)

    assert status.stop is not None
    assert "6 attempts of this run have failed within 600 s" in status.stop.reason
    assert "fetch_one 3" in status.stop.reason
    assert asked == 1
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C5.4:cascade")
async def test_attempts_that_failed_before_one_went_through_count_too(stage: Stage) -> None:
    """A call that succeeds at the third attempt has cost two."""
    world = World()
    put = writing(world, trouble=[LOST, LOST], idempotent=True)
    policy = CascadePolicy(failures=2, window_s=600)
    await stage.play(agent(tools=[put], cascade=policy), [call("put", item="a"), "done"])
    handle = await stage.start()

    status = await stage.stopped(handle)
    await handle.signal("retry")
    result = await stage.result(handle)

    assert status.stop is not None
    assert "put 2" in status.stop.reason
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C5.4:not-asked")
async def test_where_nobody_can_say_whether_it_may_be_called_nothing_is_sent(stage: Stage) -> None:
    """The database is away: a write is a gap, not a doubt."""

    class Broken:
        async def before(self, attempt: Attempt) -> None:
            """Fail as a driver does."""
            if attempt.kind == "tool":
                raise OSError("database is away")

        async def after(self, attempt: Attempt, went: Went) -> None:
            """Take no note."""

    world = World()
    stage.controls = [Broken()]
    await stage.play(agent(tools=[writing(world)]), [call("put", item="a"), "done"])

    result = await stage.run()

    assert (world.done, result.decisions) == ([], ())
    assert "could not be looked up" in stage.provider.asked[1].results[0]
