"""Whatever a run is started with, or sent, wedges none."""

import asyncio
import gc
import json
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import (
    RPCError,
    WorkflowExecutionStatus,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)

from domain.run import Outcome
from domain.spec import ApprovalPolicy
from runtime.dead_letters import DeadLetters
from tests.workflows.stage import Stage, agent

DEEP = "[" * 10_000 + "]" * 10_000


@pytest.mark.requirement("C0:wedge-start")
@pytest.mark.parametrize(
    "given",
    [
        ("text",),
        (5,),
        ([],),
        (None,),
        (),
        ({"agent": "tester", "task": "a"}, {"more": 1}),
        ({"agent": 5},),
        ({"agent": "tester", "task": 5},),
        ({"agent": "tester", "task": "a", "limits": {"steps": 0}},),
        ({"agent": "tester", "task": "a", "limits": {"step": 1}},),
        ({"agent": "tester", "task": "a", "data": {"a": 1}},),
        ({"agent": "tester", "task": "a", "state": {}},),
        ({"agent": "tester", "task": "a", "state": {"lineage": 1}},),
    ],
    ids=[
        "text", "number", "list", "null", "nothing", "two", "agent", "task", "no-steps",
        "unknown-limit", "data", "state", "lineage",
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_start_of_the_wrong_shape_fails_at_once(
    stage: Stage, given: tuple[Any, ...]
) -> None:
    """The caller gets an error: the run has failed, and no workflow task is retried."""
    await stage.play(agent(), ["done"])

    handle = await stage.start_raw(*given)

    assert await stage.closed(handle) is WorkflowExecutionStatus.FAILED
    assert stage.provider.asked == []
    gc.collect()  # here, or the SDK's warning below would hit another test


@pytest.mark.requirement("C4:dead-letter")
@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "there is no agent ''; the agents are ['tester']"),
        ({"agent": "nobody", "task": "a"}, "there is no agent 'nobody'"),
        ({"agent": "tester"}, "the task is empty"),
        ({"agent": "tester", "task": " \n"}, "the task is empty"),
        ({"agent": "tester", "task": "x" * 1_900_000}, "200000 are allowed"),
        ({"agent": "x" * 5_000, "tenant": "y" * 50_000, "task": "a"}, "there is no agent"),
        ({"agent": "tester", "task": "a"}, "needs data ['ledger']"),
    ],
    ids=["empty", "unknown", "no-task", "blank", "huge", "long-names", "no-data"],
)
async def test_an_input_that_cannot_be_worked_on_is_rejected_and_kept(
    stage: Stage, given: dict[str, Any], reason: str
) -> None:
    """It is an outcome with its reason, and the input waits in the dead letters."""
    needs = ("ledger",) if "ledger" in reason else ()
    await stage.play(agent(inputs=needs), ["done"])

    handle = await stage.start_raw(given)
    result = await stage.result(handle)

    letters = await DeadLetters(stage.database).list(limit=1_000)
    letter = next(letter for letter in letters if letter.run_id == handle.id)
    assert result.outcome is Outcome.REJECTED
    assert reason in result.reason
    assert reason in letter.reason
    assert json.loads(letter.payload)["input"] == given


@pytest.mark.requirement("C0:plain-json")
async def test_a_task_that_is_an_object_is_handed_on_as_its_text(stage: Stage) -> None:
    """`--input '{"task": {...}}'` needs no quoting twice."""
    await stage.play(agent(), ["done"])

    await stage.run({"b": 1, "a": "ü"})

    assert stage.provider.asked[0].said == '{"a":"ü","b":1}'


SIGNALS = ("approve", "reject", "modify", "retry", "skip", "abort")
ODD: list[tuple[Any, ...]] = [
    ("text",), (5,), (True,), ([],), ([{"reason": "a"}],), ({"reason": 5},), ({"unknown": "a"},),
    ({"approval_id": "other"},), ({"reason": "x" * 5_000},), ({"x" * 50_000: 1},),
    ({"reason": "a"}, {"by": "b"}), ("a", "b", "c"), ({"reason": "x" * 1_500_000},),
    ({"arguments": [1]},), ({"by": None},),
]  # fmt: skip


@pytest.mark.requirement("C0:wedge-signals")
@pytest.mark.parametrize("signal", SIGNALS)
async def test_odd_signals_change_nothing(stage: Stage, signal: str) -> None:
    """A signal of any odd shape is noted or dropped; the question stays, and can be answered."""
    spec = agent(plan="approved", approvals=ApprovalPolicy(timeout=timedelta(minutes=5)))
    await stage.play(spec, ['{"steps": [{"action": "think"}]}', "done"])
    handle = await stage.start()
    question = await stage.asked(handle)

    for args in ODD:
        await handle.signal(signal, args=args)
    status = await stage.until(handle, lambda status: len(status.ignored) >= 10)

    assert status.question is not None
    assert status.question["id"] == question["id"]
    assert max(map(len, status.ignored)) < 600
    await handle.signal("approve")
    assert (await stage.result(handle)).outcome is Outcome.COMPLETED


@pytest.mark.requirement("C0:wedge-signals")
async def test_a_flood_of_signals_is_bounded(stage: Stage) -> None:
    """Three hundred answers that nobody asked for are noted up to a bound, and change nothing."""
    spec = agent(plan="approved", approvals=ApprovalPolicy(timeout=timedelta(minutes=5)))
    await stage.play(spec, ['{"steps": [{"action": "think"}]}', "done"])
    handle = await stage.start()
    await stage.asked(handle)

    await asyncio.gather(*(handle.signal("retry") for _ in range(300)))
    await handle.signal("approve")
    result = await stage.result(handle)

    assert result.outcome is Outcome.COMPLETED
    assert 0 < len(result.ignored) <= 51


@pytest.mark.requirement("C6:other-answers")
async def test_a_signal_before_the_first_line_of_a_run_is_early(stage: Stage) -> None:
    """An answer that comes with the start approves nothing."""
    spec = agent(plan="approved", approvals=ApprovalPolicy(timeout=timedelta(minutes=5)))
    await stage.play(spec, ['{"steps": [{"action": "think"}]}', "done"])
    await stage.stop()
    handle = await stage.start()
    await handle.signal("approve")
    await stage.serve()

    question = await stage.asked(handle)
    status = await stage.status(handle)

    assert question["kind"] == "plan"
    assert "no question is open" in status.ignored[0]
    await handle.signal("reject", {"reason": "no"})
    assert (await stage.result(handle)).outcome is Outcome.ABORTED


@pytest.mark.requirement("C0:wedge-updates")
@pytest.mark.parametrize("update", ["decide", "unstop"])
@pytest.mark.parametrize("args", [(), ("text",), (5,), ({"verdict": "perhaps"},), ({}, {})])
async def test_odd_updates_are_errors_to_their_sender(
    stage: Stage, update: str, args: tuple[Any, ...]
) -> None:
    """The sender of an update that cannot count is told; the run is not changed."""
    spec = agent(plan="approved", approvals=ApprovalPolicy(timeout=timedelta(minutes=5)))
    await stage.play(spec, ['{"steps": [{"action": "think"}]}', "done"])
    handle = await stage.start()
    await stage.asked(handle)

    with pytest.raises((WorkflowUpdateFailedError, RPCError)):
        await asyncio.wait_for(handle.execute_update(update, args=args), 10)

    await handle.signal("approve")
    assert (await stage.result(handle)).outcome is Outcome.COMPLETED


@pytest.mark.requirement("C0:wedge-queries")
@pytest.mark.parametrize("args", [(), (99,), (-1,), ("text",), (None,), (1, 2)])
async def test_odd_queries_are_errors_to_their_sender(stage: Stage, args: tuple[Any, ...]) -> None:
    """A query that cannot be answered fails, and the run does not."""
    await stage.play(agent(), ["done"])
    handle = await stage.start()
    await stage.result(handle)

    with pytest.raises((WorkflowQueryFailedError, RPCError)):
        await asyncio.wait_for(handle.query("snapshot", args=args), 10)

    assert (await stage.status(handle)).turn == 1
