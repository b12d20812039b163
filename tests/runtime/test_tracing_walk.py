"""The spans that recorded histories stand for."""

import json
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType

from runtime.tracing.span import Told
from tests.runtime.traces import above, named, one, recorded, walked, walker_of

CASES = sorted(
    f"{path.parent.name}/{path.stem}"
    for path in (Path(__file__).parent.parent / "replay").glob("*/*.json")
)


@pytest.mark.requirement("C6.1:steps-once", "C6.1:same-again", "C6.1:one-trace")
@pytest.mark.parametrize("case", CASES)
async def test_every_step_of_a_history_is_one_span(case: str) -> None:
    """What ended is told, once; walked again, event by event, it is told alike."""
    events = recorded(case)
    told = await walked(events)
    again = await walker_of(events)
    for event in events:
        await again.take([event])

    wanted = {
        EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
    }
    activities = sum(event.event_type in wanted for event in events)
    locals_ = sum(
        event.marker_recorded_event_attributes.marker_name == "core_local_activity"
        for event in events
    )
    assert len({span.id for span in told}) == len(told)
    steps = [span for span in told if "holdfast.activity" in span.attributes]
    open_ = sum("holdfast.unfinished" in span.attributes for span in steps)
    assert len(steps) - open_ == activities + locals_
    assert {span.id: span.parent for span in again.told} == {span.id: span.parent for span in told}
    assert [span.name for span in again.told] == [span.name for span in told]
    assert all(span.start <= span.end for span in told)
    onward = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW
    assert _hang_together(told, closed=events[-1].event_type != onward)


def _hang_together(told: list[Told], *, closed: bool) -> bool:
    """Whether spans are one trace: under one root, or under one that is told at the run's end."""
    ids = {span.id for span in told}
    orphans = [span for span in told if span.parent not in ids]
    root = not closed or orphans[0].name.startswith(("invoke_agent ", "invoke_workflow "))
    first = not closed or all(orphans[0].start <= span.start for span in told)
    one_trace = len({span.trace for span in told}) == 1 == len({span.parent for span in orphans})
    return one_trace and root and first and (not closed or len(orphans) == 1)


@pytest.mark.requirement("C6.1:conventions")
async def test_a_model_call_is_named_as_the_conventions_name_it() -> None:
    """Provider, model, parameters, tokens, finish; the tools offered, and those chosen."""
    chat, *_ = named(await walked("agent/approval"), "chat gpt-5-mini")

    has = chat.attributes
    assert chat.client
    assert has["gen_ai.operation.name"] == "chat"
    assert has["gen_ai.provider.name"] == "openai"
    assert has["gen_ai.request.model"] == "gpt-5-mini"
    assert has["gen_ai.request.max_tokens"] == 2000
    assert (has["gen_ai.usage.input_tokens"], has["gen_ai.usage.output_tokens"]) == (20, 10)
    assert has["gen_ai.response.finish_reasons"] == ("tool_calls",)
    assert has["gen_ai.agent.name"] == "tester"
    assert has["holdfast.tools.offered"] == ("pay", "read_artifact")
    assert has["holdfast.tools.chosen"] == ("pay",)


@pytest.mark.requirement("C6.1:conventions")
async def test_a_tool_call_is_under_the_turn_that_chose_it() -> None:
    """It names tool, call, effect and key; its turn is under the run."""
    told = await walked("agent/approval")

    tool = one(told, "execute_tool pay")
    assert tool.attributes["gen_ai.operation.name"] == "execute_tool"
    assert tool.attributes["gen_ai.tool.name"] == "pay"
    assert tool.attributes["gen_ai.tool.call.id"] == "call-0"
    assert tool.attributes["holdfast.tool.effect"] == "irreversible"
    assert above(told, tool) == "turn 1"
    assert above(told, one(told, "turn 1")) == "invoke_agent tester"


@pytest.mark.requirement("C6.1:gates")
async def test_a_gate_says_who_ended_it_and_how() -> None:
    """An update's decision in the run's own words; a signal's as it was sent; silence too."""
    told = await walked("agent/approval")
    modified, refused = named(told, "gate approval")
    silent, _ = named(await walked("agent/silence"), "gate approval")
    stopped = one(await walked("agent/stopped"), "gate stop")

    assert modified.attributes["holdfast.gate.verdict"] == "modify"
    assert modified.attributes["holdfast.gate.title"] == "run pay"
    assert modified.attributes["holdfast.gate.tool"] == "pay"
    assert modified.attributes["holdfast.gate.waited_s"] == pytest.approx(0.046, abs=0.01)
    assert refused.attributes["holdfast.gate.verdict"] == "reject"
    assert refused.attributes["holdfast.gate.reason"] == "enough"
    assert refused.attributes["holdfast.gate.via"] == "signal"
    assert above(told, refused) == "turn 2"
    assert silent.attributes["holdfast.gate.verdict"] == "silence"
    assert stopped.attributes["holdfast.gate.verdict"] == "retry"


@pytest.mark.requirement("C6.1:validated")
async def test_a_check_says_what_it_found_and_what_followed() -> None:
    """Passed or refused, why, and the state that the run was in after it."""
    told = await walked("agent/approval")
    first, modified, *_ = named(told, "validate calls")
    answer = one(told, "validate answer")

    assert first.attributes["holdfast.validation.outcome"] == "passed"
    assert first.attributes["holdfast.validation.next_state"] == "PENDING_APPROVAL"
    assert modified.attributes["holdfast.validation.outcome"] == "refused"
    assert "is not of type 'string'" in str(modified.attributes["holdfast.validation.reasons"])
    assert answer.attributes["holdfast.validation.next_state"] == "COMPLETE"


@pytest.mark.requirement("C6.1:steps-once")
async def test_states_follow_one_another_in_time() -> None:
    """Each transition names where it came from, and they are in the order of the run."""
    told = await walked("agent/approval")

    moves = [span for span in told if span.name.startswith("state ")]
    states = [str(span.attributes["holdfast.state.to"]) for span in moves]
    before = [str(span.attributes.get("holdfast.state.from", "")) for span in moves]
    assert before == ["", *states[:-1]]
    starts = [span.start for span in moves]
    assert starts == sorted(set(starts))  # backends sort by time
    assert states[-1] == "COMPLETE"


@pytest.mark.requirement("C6.1:conventions")
async def test_a_transcript_that_is_handed_over_is_no_model_call() -> None:
    """A new worker that asks for the conversation has called no model."""
    told = await walked("agent/miss")

    handed = one(told, "hand over transcript")
    assert handed.error is None
    assert not [n for n in handed.attributes if n.startswith(("gen_ai.operation", "gen_ai.req"))]
    assert len(named(told, "chat gpt-5-mini")) == 3  # one of them refused
    assert [span.name for span in told if span.name.startswith("turn ")] == ["turn 1", "turn 2"]


@pytest.mark.requirement("C6.1:content")
async def test_nothing_that_was_said_is_told_unless_asked_for() -> None:
    """Off: no text of the task, the prompt, a call's arguments, a result or the answer."""
    told = await walked("agent/happy")

    written = json.dumps([dict(span.attributes) for span in told])
    assert "You test." not in written
    assert "value of" not in written
    assert "do it" not in written


@pytest.mark.requirement("C6.1:content")
async def test_what_was_said_is_told_in_the_conventions_form_and_redacted() -> None:
    """On: messages, instructions, definitions, arguments, results; each goes through redaction."""
    seen: list[str] = []

    def redact(text: str) -> str:
        seen.append(text)
        return text.replace("do it", "[task]")

    told = await walked("agent/approval", redact, content=True)

    first, second, *_ = named(told, "chat gpt-5-mini")
    said = json.loads(str(first.attributes["gen_ai.input.messages"]))
    assert said == [{"role": "user", "parts": [{"type": "text", "content": "[task]"}]}]
    (reply,) = json.loads(str(first.attributes["gen_ai.output.messages"]))
    assert reply["parts"][0]["name"] == "pay"
    assert "You test." in str(first.attributes["gen_ai.system_instructions"])
    (tool, *_) = json.loads(str(first.attributes["gen_ai.tool.definitions"]))
    assert tool["name"] == "pay"
    roles = [each["role"] for each in json.loads(str(second.attributes["gen_ai.input.messages"]))]
    assert roles == ["user", "assistant", "tool"]
    tool_span = one(told, "execute_tool pay")
    assert tool_span.attributes["gen_ai.tool.call.arguments"] == '{"item": "3"}'
    assert tool_span.attributes["gen_ai.tool.call.result"] == "pay 3: done"
    root = one(told, "invoke_agent tester")
    assert "[task]" in str(root.attributes["gen_ai.input.messages"])
    assert "pay 3: done" in seen


@pytest.mark.requirement("C6.1:content")
async def test_words_of_others_are_redacted_also_where_content_is_off() -> None:
    """A person's reason and a check's quote a run's data."""
    told = await walked("agent/approval", lambda text: "[out]")

    _, refused = named(told, "gate approval")
    assert refused.attributes["holdfast.gate.reason"] == "[out]"
    _, modified, *_ = named(told, "validate calls")
    assert modified.attributes["holdfast.validation.reasons"] == ("[out]",)
