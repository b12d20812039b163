"""What goes over the wire, by vendor."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from activities.providers import build
from activities.providers.base import Provider
from domain.messages import Message, ToolCall
from tests.activities.thinking import LOOKUP, VENDORS, body_of, shape_of, spec_of

TASK = Message(role="user", text="sum")
TWO_CALLS = Message(
    role="assistant",
    text="",
    calls=(
        ToolCall(id="a", name="lookup", arguments='{"key": "1"}'),
        ToolCall(id="b", name="lookup", arguments='{"key": '),
    ),
)
RESULTS = [
    Message(role="tool", text="one", call_id="a"),
    Message(role="tool", text="", call_id="b"),
]
SCHEMA = {
    "type": "object",
    "title": "Sum",
    "properties": {"total": {"type": "integer", "minimum": 1}},
    "required": ["total"],
}


def _providers() -> Mapping[str, Provider]:
    return build(offline_url="http://127.0.0.1:1")


def _sent(vendor: str, messages: list[Message], **changes: Any) -> dict[str, Any]:
    spec = spec_of(vendor, **changes.pop("spec", {}))
    return json.loads(body_of(_providers()[vendor], messages, shape_of(spec, **changes)))


def test_openai_gets_one_message_for_each_of_ours() -> None:
    """Calls keep the text that the model wrote, broken or not; results name their call."""
    body = _sent("openai", [TASK, TWO_CALLS, *RESULTS])

    system, task, calls, first, second = body["messages"]
    assert system == {"role": "system", "content": "Agent: bench (prompt v1)\nYou look keys up."}
    assert task == {"role": "user", "content": "sum"}
    assert [call["function"]["arguments"] for call in calls["tool_calls"]] == [
        '{"key": "1"}',
        '{"key": ',
    ]
    assert first == {"role": "tool", "tool_call_id": "a", "content": "one"}
    assert second["tool_call_id"] == "b"
    assert body["max_completion_tokens"] == 500
    assert body["user"] == "caller"


def test_anthropic_gets_alternating_roles() -> None:
    """Results of parallel calls, and what a person adds, become one user message."""
    body = _sent("anthropic", [TASK, TWO_CALLS, *RESULTS, Message(role="user", text="go on")])

    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    results = body["messages"][2]["content"]
    assert [block["type"] for block in results] == ["tool_result", "tool_result", "text"]
    assert [block.get("tool_use_id") for block in results] == ["a", "b", None]
    assert body["max_tokens"] == 500
    assert body["metadata"] == {"user_id": "caller"}


def test_anthropic_gets_objects_where_the_model_wrote_none() -> None:
    """Arguments that are no JSON object go back inside one, since the protocol takes no text."""
    body = _sent("anthropic", [TASK, TWO_CALLS, *RESULTS])

    inputs = [block["input"] for block in body["messages"][1]["content"]]
    assert inputs == [{"key": "1"}, {"not_an_object": '{"key": '}]


def test_anthropic_gets_no_empty_block() -> None:
    """An empty answer or result is said in words, since the provider refuses empty blocks."""
    body = _sent("anthropic", [TASK, Message(role="assistant", text=" "), *RESULTS[1:]])

    assert body["messages"][1]["content"][0]["text"] == "(nothing)"
    assert body["messages"][2]["content"][0]["content"] == "(nothing)"


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_answer_schema_is_asked_for(vendor: str) -> None:
    """The spec's schema is the format of the answer, in each vendor's way."""
    body = _sent(vendor, [TASK], spec={"answer_schema": SCHEMA})

    if vendor == "openai":
        form = body["response_format"]["json_schema"]
        assert form == {"name": "answer", "schema": SCHEMA, "strict": False}
    else:
        schema = body["output_config"]["format"]["schema"]
        assert schema["title"] == "Sum"
        assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("vendor", "schema"),
    [("openai", {"type": "array"}), ("anthropic", {"title": "Any"})],
)
def test_a_schema_that_cannot_be_enforced_is_asked_for_in_words(
    vendor: str, schema: dict[str, Any]
) -> None:
    """Where the provider has no form for a schema, the system prompt states it."""
    body = _sent(vendor, [TASK], spec={"answer_schema": schema})

    assert "response_format" not in body
    assert "output_config" not in body
    system = body["messages"][0]["content"] if vendor == "openai" else body["system"][0]["text"]
    assert json.dumps(schema, separators=(",", ":")) in system


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_plan_names_tools_and_calls_none(vendor: str) -> None:
    """A request for a plan shows the tools, forbids their use and asks for the plan's schema."""
    body = _sent(vendor, [TASK], purpose="plan", spec={"answer_schema": SCHEMA})

    assert len(body["tools"]) == 1
    if vendor == "openai":
        assert body["tool_choice"] == "none"
        assert body["response_format"]["json_schema"]["name"] == "plan"
    else:
        assert body["tool_choice"] == {"type": "none"}
        assert body["output_config"]["format"]["schema"]["title"] == "Plan"


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_forbidden_tool_is_withheld(vendor: str) -> None:
    """Tools that this call must not use are not shown; without any left, none may be called."""
    other = LOOKUP.model_copy(update={"name": "other"})

    some = _sent(vendor, [TASK], forbid=("lookup",), spec={"tools": (LOOKUP, other)})
    none = _sent(vendor, [TASK], forbid=("lookup",))

    assert len(some["tools"]) == 1
    assert "other" in json.dumps(some["tools"])
    assert "tool_choice" not in some
    # The transcript refers to tools, so a request without any would be refused.
    assert len(none["tools"]) == 1
    assert "none" in json.dumps(none["tool_choice"])


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_lone_surrogate_does_not_break_a_request(vendor: str) -> None:
    """Text that UTF-8 cannot hold is sent with a mark in its place."""
    body = _sent(vendor, [Message(role="user", text="a\ud800b")])

    assert "a?b" in json.dumps(body["messages"])
