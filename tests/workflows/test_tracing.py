"""Traces of real runs: what the follower reads from the server and sends."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.plugin import SimplePlugin

from agents.delegation import delegate
from domain.run import AgentRequest
from runtime.tracing.cursors import Cursors
from runtime.tracing.follower import Follower
from runtime.tracing.ids import root_of, trace_of
from runtime.tracing.in_step import InStep, Notes
from runtime.tracing.span import Told
from tests.fakes import Asked, Step, call
from tests.runtime.traces import above, named, one
from tests.workflows.stage import Handle, Stage, agent, eventually
from tests.workflows.world import PATIENT, World, reading, writing


class Errand(BaseModel):
    """What a helper is asked."""

    item: str


@dataclass
class Kept:
    """A collector that can be away.

    Attributes:
        away: It takes nothing.
        deaf: It takes what it is sent, and does not say so.
    """

    told: list[Told] = field(default_factory=list[Told])
    away: bool = False
    deaf: bool = False
    asked: int = 0

    async def send(self, spans: Sequence[Told]) -> bool:
        """Take spans."""
        self.asked += 1
        if not self.away:
            self.told += spans
        return not (self.away or self.deaf)


def watched(stage: Stage) -> InStep:
    """Have the stage's next worker tell a follower what it does."""
    stage.sandboxed = False  # traces are made outside of workflows
    in_step = InStep(Notes(str))
    plugin = SimplePlugin("traces", interceptors=[in_step])
    config: dict[str, Any] = {**stage.client.config(), "plugins": [plugin]}
    stage.client = Client(**config)
    return in_step


@asynccontextmanager
async def following(
    stage: Stage, kept: Kept, in_step: InStep | None = None
) -> AsyncGenerator[Follower]:
    """Follow the stage's runs, as a worker does; one that is not `in_step` is told of nothing."""
    noted = in_step.notes.of if in_step else None
    follower = Follower(
        stage.client, stage.database, kept, str, task_queue=stage.queue, noted=noted
    )
    if in_step is not None:
        in_step.following = follower
    follower.start()
    try:
        yield follower
    finally:
        await follower.close()


async def traced(kept: Kept, handle: Handle) -> list[Told]:
    """Wait until a run's own span is there; return its trace."""
    assert handle.first_execution_run_id
    root = root_of(handle.first_execution_run_id)

    async def found() -> list[Told] | None:
        told = list(kept.told)
        return told if any(span.id == root for span in told) else None

    told: list[Told] = await eventually(found)
    trace = trace_of(handle.first_execution_run_id)
    return [span for span in told if span.trace == trace]


def once(told: Sequence[Told]) -> bool:
    """Whether no span was told twice."""
    return len({span.id for span in told}) == len(told)


def counting(last: int) -> Callable[[Asked], Step]:
    """Return a model that looks up 0, 1, … and then answers."""

    def script(asked: Asked) -> Step:
        done = len(asked.results)
        return "done" if done > last else call("lookup", key=str(done))

    return script


@pytest.mark.requirement("C6.1:one-trace")
async def test_a_run_is_one_trace_over_all_that_it_continues_as(
    stage: Stage, impatient: Client
) -> None:
    """Turns are numbered on, under one root that spans from the first start to the last end."""
    stage.client = impatient
    in_step = watched(stage)
    await stage.play(agent(tools=[reading()]), counting(6))
    kept = Kept()

    async with following(stage, kept, in_step):
        handle = await stage.start()
        result = await stage.result(handle)
        told = await traced(kept, handle)

    assert result.continued > 0
    assert once(told)
    roots = [span for span in told if not span.parent]
    assert [span.name for span in roots] == ["invoke_agent tester"]
    turns = [span.name for span in told if span.name.startswith("turn ")]
    assert turns == [f"turn {number}" for number in range(1, 9)]
    assert len(named(told, "execute_tool lookup")) == 7
    assert all(above(told, one(told, name)) == "invoke_agent tester" for name in turns)


@pytest.mark.requirement("C6.1:below")
async def test_a_run_below_is_under_the_call_that_asked_for_it(stage: Stage) -> None:
    """The caller's turn, the call, the run below, its turn."""

    def script(asked: Asked) -> Step:
        if asked.agent == "helper":
            return "helped"
        return "done" if asked.results else call("ask_helper", item="a")

    helper = agent("helper")
    ask = delegate("helper", Errand, does="Ask for help.")
    in_step = watched(stage)
    await stage.play([agent("caller", tools=[ask]), helper], script)
    kept = Kept()

    async with following(stage, kept, in_step):
        handle = await stage.start()
        await stage.result(handle)
        told = await traced(kept, handle)
        await eventually(lambda: _has(kept, "invoke_agent helper"))
        told = [span for span in kept.told if span.trace == told[0].trace]

    below = one(told, "invoke_agent helper")
    assert above(told, below) == "execute_tool ask_helper"
    assert above(told, one(told, "execute_tool ask_helper")) == "turn 1"
    assert one(told, "execute_tool ask_helper").attributes["gen_ai.tool.type"] == "agent"


async def _has(kept: Kept, name: str) -> bool:
    return bool(named(kept.told, name))


@pytest.mark.requirement("C6.1:resumed")
async def test_a_resumed_run_goes_on_in_its_trace(stage: Stage) -> None:
    """What the reset has copied is not told again; the rest is under a span of its own."""
    in_step = watched(stage)
    await stage.play(agent(tools=[reading()]), counting(2))
    kept = Kept()

    async with following(stage, kept, in_step):
        handle = await stage.start()
        await stage.result(handle)
        before = await traced(kept, handle)
        await _reset(stage, handle)
        await stage.closed(handle)
        await eventually(lambda: _resumed(kept))

    told = [span for span in kept.told if span.trace == before[0].trace]
    assert len(told) > len(before)
    assert once(told)
    first, second = named(told, "invoke_agent tester")
    assert (first.parent, second.parent) == (0, first.id)
    assert second.attributes["holdfast.resumed"] is True
    after = [span for span in told if span not in before and span is not second]
    assert {span.name for span in after} >= {"chat gpt-5-mini", "validate answer", "turn 4"}
    assert not named(after, "turn 1")
    assert all(_under(told, span, second) for span in after)


async def _resumed(kept: Kept) -> bool:
    return any("holdfast.resumed" in s.attributes for s in named(kept.told, "invoke_agent tester"))


def _under(told: Sequence[Told], span: Told, root: Told) -> bool:
    by_id = {each.id: each for each in told}
    while span.parent in by_id:
        span = by_id[span.parent]
        if span.id == root.id:
            return True
    return False


async def _reset(stage: Stage, handle: Handle) -> None:
    """Reset a run to its last model call, as `resume` does."""
    history = await handle.fetch_history()
    completed = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    scheduled = [
        event.activity_task_scheduled_event_attributes.workflow_task_completed_event_id
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]
    assert history.events[scheduled[-1] - 1].event_type == completed
    await stage.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=stage.client.namespace,
            workflow_execution=WorkflowExecution(
                workflow_id=handle.id, run_id=str(handle.first_execution_run_id)
            ),
            reason="a test",
            workflow_task_finish_event_id=scheduled[-1],
            request_id=str(uuid4()),
        )
    )


@pytest.mark.requirement("C6.1:forked")
async def test_a_fork_links_to_its_origin(stage: Stage) -> None:
    """It is a trace of its own, with turns numbered on, and names the trace that it comes from."""
    in_step = watched(stage)
    await stage.play(agent(tools=[reading()]), counting(1))
    kept = Kept()

    async with following(stage, kept, in_step):
        handle = await stage.start()
        await stage.result(handle)
        state = await handle.query("snapshot", 1)
        state["lineage"] = uuid4().hex
        asked = AgentRequest(agent="tester", task="do it", forked_from=handle.id)
        given = asked.model_dump(mode="json", exclude_unset=True) | {"state": state}
        fork = await stage.start_raw(given)
        await stage.result(fork)
        told = await traced(kept, fork)

    root = one(told, "invoke_agent tester")
    origin = str(handle.first_execution_run_id)
    assert [link.trace for link in root.links] == [trace_of(origin)]
    assert root.trace != trace_of(origin)
    assert [span.name for span in told if span.name.startswith("turn ")] == ["turn 2", "turn 3"]


@pytest.mark.requirement("C6.1:retried")
async def test_a_call_that_was_tried_twice_is_one_span(stage: Stage) -> None:
    """It says how often, and what went wrong before."""
    world = World()
    tools = [writing(world, "put", trouble=[RuntimeError("away")], idempotent=True)]

    def script(asked: Asked) -> Step:
        return "done" if asked.results else call("put", item="1")

    in_step = watched(stage)
    await stage.play(agent(tools=tools), script)
    kept = Kept()

    async with following(stage, kept, in_step):
        handle = await stage.start()
        await stage.result(handle)
        told = await traced(kept, handle)

    tool = one(told, "execute_tool put")
    assert tool.attributes["holdfast.attempts"] == 2
    (failed,) = tool.happened
    assert failed.name == "attempt failed"
    assert "away" in str(failed.attributes["holdfast.reason"])


@pytest.mark.requirement("C6.1:open", "C6.1:left-behind")
async def test_a_run_that_waits_shows_what_has_ended_and_that_it_waits(stage: Stage) -> None:
    """All before the question is there, and the state; the wait itself is told at its end."""
    world = World()
    tools = [writing(world, "pay", effect="irreversible")]

    def script(asked: Asked) -> Step:
        return "done" if asked.results else call("pay", item="1")

    in_step = watched(stage)
    await stage.play(agent(tools=tools, approvals=PATIENT), script)
    kept = Kept()

    async with following(stage, kept, in_step):
        handle = await stage.start()
        await eventually(lambda: _has(kept, "state PENDING_APPROVAL"))
    waiting = list(kept.told)
    async with following(stage, kept, in_step):  # as another worker would, that knows nothing of it
        await handle.signal("approve", {"by": "ada", "reason": "checked"})
        await stage.result(handle)
        told = await traced(kept, handle)

    assert named(waiting, "chat gpt-5-mini")
    assert not named(waiting, "gate approval")
    assert not named(waiting, "invoke_agent tester")
    gate = one(told, "gate approval")
    assert gate.attributes["holdfast.gate.by"] == "ada"
    assert gate.attributes["holdfast.gate.title"] == "run pay"
    assert gate.attributes["holdfast.gate.verdict"] == "approve"
    assert once(told)


@pytest.mark.requirement("C6.1:collector")
async def test_nothing_is_lost_while_the_collector_is_away(stage: Stage) -> None:
    """It is sent when the collector is back; what it may have had comes under the same ids."""
    in_step = watched(stage)
    await stage.play(agent(tools=[reading()]), counting(1))
    away, deaf = Kept(away=True), Kept(deaf=True)

    async with following(stage, away, in_step):
        handle = await stage.start()
        await stage.result(handle)
        await eventually(lambda: _asked(away))
        assert not away.told
        away.away = False
        told = await traced(away, handle)
    async with following(stage, deaf, in_step):
        handle = await stage.start()
        await stage.result(handle)
        await eventually(lambda: _has(deaf, "invoke_agent tester"))
        deaf.deaf = False
        await eventually(lambda: _twice(deaf))

    assert once(told)
    half = len(deaf.told) // 2
    assert deaf.told[:half] == deaf.told[half:]


async def _asked(kept: Kept) -> bool:
    return kept.asked > 0


async def _twice(kept: Kept) -> bool:
    return len(named(kept.told, "invoke_agent tester")) == 2


@pytest.mark.requirement("C6.1:left-behind")
async def test_what_a_killed_worker_has_not_sent_another_one_sends(stage: Stage) -> None:
    """Closed runs are found by the server's list, open ones by what was noted of them."""
    await stage.play(agent(tools=[reading()]), counting(1))
    kept = Kept()

    async with following(stage, Kept()):  # the first, so that it is noted since when to look
        await eventually(lambda: _marked(stage))
    handle = await stage.start()
    await stage.result(handle)
    async with following(stage, kept):  # told of nothing
        await eventually(lambda: _has(kept, "invoke_agent tester"))

    root = one(kept.told, "invoke_agent tester")
    assert root.trace == trace_of(str(handle.first_execution_run_id))
    assert once(kept.told)


async def _marked(stage: Stage) -> bool:
    await Cursors(stage.database).mark()
    return True


@pytest.mark.requirement("C6.1:alone")
async def test_two_workers_do_not_send_the_same(stage: Stage) -> None:
    """Both hear of a run all the time; each span comes once, over both."""
    in_step = watched(stage)
    await stage.play(agent(tools=[reading()]), counting(4))
    kept = Kept()

    async with following(stage, kept, in_step), following(stage, kept) as other:
        handle = await stage.start()
        other.touched(handle.id, str(handle.first_execution_run_id))
        await stage.result(handle)
        other.touched(handle.id, str(handle.first_execution_run_id))
        told = await traced(kept, handle)

    assert once(kept.told)
    assert len(named(told, "execute_tool lookup")) == 5
