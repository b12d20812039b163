"""The replay gate: what it says of recorded runs, by code that fits them and code that does not."""

import copy
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory

from agents.artifacts import read_artifact
from agents.toolkit import Tool
from commands.replaying.offered import Offer
from commands.replaying.replayed import Replaying
from commands.replaying.verdict import Fate, Run, Verdict
from tests.workflows.world import World, reading, writing
from workflows import WORKFLOWS
from workflows.folding import Folding

HERE = Path(__file__).parent
TYPES = frozenset(each.__name__ for each in WORKFLOWS)
_SECOND = timedelta(seconds=1)
THINK_DONE = 10  # the event of `happy` that holds the first reply


def happy() -> list[HistoryEvent]:
    """Return the events of a run that looks up, writes and answers."""
    return _events("agent/happy.json")


def _events(name: str) -> list[HistoryEvent]:
    text = (HERE / name).read_text(encoding="utf-8")
    return list(WorkflowHistory.from_json("run", text).events)


def _offer(*tools: Tool) -> Offer:
    return Offer({}, {tool.spec.name: tool.spec for tool in tools}, TYPES)


@pytest.fixture
def known() -> Offer:
    """What the recorded agents have."""
    world = World()
    return _offer(reading(), writing(world), read_artifact)


async def judged(client: Client, offer: Offer, events: Sequence[HistoryEvent]) -> Verdict:
    """Return the gate's verdict of an open run with these events."""
    replaying = Replaying(client.data_converter, offer, patience_s=20)
    return await replaying.verdict(Run("run"), events)


def _breathe(monkeypatch: pytest.MonkeyPatch, step: Any) -> None:
    """Have every turn begin with another step."""
    before = Folding.fold_if_due

    async def fold_if_due(self: Folding) -> None:
        await step()
        await before(self)

    monkeypatch.setattr(Folding, "fold_if_due", fold_if_due)


@pytest.mark.requirement("C6.5:gate-fits")
@pytest.mark.parametrize("kept", [1, 2, 3, 8, 9, 10, 12, 20, 30, 45, 62])
async def test_a_run_fits_the_code_that_made_it_at_every_point(
    client: Client, known: Offer, kept: int
) -> None:
    """Open at any event, with results that no task has read yet, or none at all."""
    verdict = await judged(client, known, happy()[:kept])

    assert (verdict.fate, verdict.why) == (Fate.FITS, ())


@pytest.mark.requirement("C6.5:gate-names")
@pytest.mark.parametrize(
    ("step", "said"),
    [
        (lambda: workflow.sleep(1), "begins to wait"),
        (
            lambda: workflow.execute_local_activity("check.new", start_to_close_timeout=_SECOND),
            "asks for check check.new first",
        ),
        (
            lambda: workflow.execute_activity("new.step", start_to_close_timeout=_SECOND),
            "asks for activity new.step first",
        ),
        (lambda: workflow.execute_child_workflow("New", id="new"), "asks for the run below 'new'"),
    ],
    ids=["timer", "check", "activity", "run below"],
)
async def test_a_new_step_that_nothing_guards_is_named(
    client: Client, known: Offer, monkeypatch: pytest.MonkeyPatch, step: Any, said: str
) -> None:
    """The event is the model call before which the code now does something else."""
    _breathe(monkeypatch, step)

    verdict = await judged(client, known, happy()[:30])

    assert (verdict.fate, verdict.event) == (Fate.WAITS, 16)
    assert "where the run has activity llm.think, this code" in verdict.why[-1]
    assert said in verdict.why[-1]


@pytest.mark.requirement("C6.5:gate-names")
async def test_a_step_that_is_no_longer_done_is_named(
    client: Client, known: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recorded call that the code does not make, and a workflow that it does not have."""
    renamed = happy()
    for event in renamed:
        if event.HasField("activity_task_scheduled_event_attributes"):
            kind = event.activity_task_scheduled_event_attributes.activity_type
            kind.name = kind.name.replace("lookup", "look_up")
    gone = happy()
    gone[0].workflow_execution_started_event_attributes.workflow_type.name = "Gone"

    other = await judged(client, known, renamed[:40])
    nothing = await judged(client, known, gone[:4])

    assert (other.fate, other.event) == (Fate.WAITS, 23)
    assert "activity look_up" in other.why[-1]
    assert "activity lookup" in other.why[-1]
    assert (nothing.fate, nothing.why) == (Fate.WAITS, ("this code has no workflow 'Gone'",))


@pytest.mark.requirement("C6.5:gate-next")
@pytest.mark.parametrize("kept", [THINK_DONE, THINK_DONE + 1, THINK_DONE + 2])
async def test_a_result_that_the_code_cannot_read_is_named_before_it_is_read(
    client: Client, known: Offer, kept: int
) -> None:
    """The reply has arrived, and no task has read it: a plain replay would find nothing."""
    events = copy.deepcopy(happy()[:kept])
    done = events[THINK_DONE - 1].activity_task_completed_event_attributes
    done.result.payloads[0].data = json.dumps({"message": 5}).encode()

    verdict = await judged(client, known, events)

    assert verdict.fate is Fate.FAILS
    assert "not what this code reads: Reply: message" in verdict.why[0]


@pytest.mark.requirement("C6.5:gate-next")
async def test_an_input_that_the_code_cannot_read_is_named(client: Client, known: Offer) -> None:
    """Also a continue-as-new's state is an input: its run would fail as soon as it is loaded."""
    events = copy.deepcopy(_events("agent/continued.json")[:12])
    given = events[0].workflow_execution_started_event_attributes.input.payloads[0]
    said = json.loads(given.data)
    said["state"]["messages"] = "none"
    given.data = json.dumps(said).encode()

    verdict = await judged(client, known, events)

    assert verdict.fate in {Fate.FAILS, Fate.WAITS}
    assert "not what this code reads: AgentRequest: state.messages" in verdict.why[0]


@pytest.mark.requirement("C6.5:gate-next")
async def test_code_that_breaks_at_the_next_step_is_named(
    client: Client, known: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception of the new code would close the run as failed."""

    async def broken() -> None:
        raise ZeroDivisionError("a share of nothing")

    _breathe(monkeypatch, broken)

    verdict = await judged(client, known, happy()[:15])

    assert verdict.fate is Fate.FAILS, verdict
    assert "this code raises ZeroDivisionError: a share of nothing" in verdict.why


@pytest.mark.requirement("C6.5:gate-tools")
async def test_tools_that_have_changed_are_named(client: Client) -> None:
    """Another effect, another argument, or no such tool: the call would put the run on hold."""
    world = World()
    other = reading(name="other")
    changed = Offer(
        {},
        {
            "put": writing(world, effect="irreversible").spec,
            "lookup": other.spec.model_copy(update={"name": "lookup", "parameters": _OTHER}),
        },
        TYPES,
    )

    verdict = await judged(client, changed, happy()[:30])

    assert verdict.fate is Fate.STOPS
    said = " ".join(verdict.why)
    assert "tool 'put' has changed: its effect was 'write' and is 'irreversible'" in said
    assert "tool 'lookup' has changed: argument 'key' is gone, argument 'name' is new" in said
    assert "tool 'read_artifact' is gone" in said


@pytest.mark.requirement("C6.5:gate-ends")
async def test_a_history_that_gives_nothing_to_do_ends_the_replay(
    client: Client, known: Offer
) -> None:
    """A run whose start is delayed has one event, for which the SDK's replayer waits for ever."""
    verdict = await judged(client, known, happy()[:1])

    assert verdict.fate is Fate.FITS


_OTHER = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}
