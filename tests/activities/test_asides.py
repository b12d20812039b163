"""What a call beside the conversation looks like on the wire, by vendor."""

import json
from typing import Any

import pytest

from activities.providers import build
from domain.messages import Message, ToolCall
from domain.thinking import Aside
from tests.activities.thinking import VENDORS, body_of, shape_of, spec_of

TASK = Message(role="user", text="sum")
CALL = Message(role="assistant", calls=(ToolCall(id="a", name="lookup", arguments="{}"),))
RESULT = Message(role="tool", text="one", call_id="a")
ASKED = Message(role="user", text="Is this good?")
SCHEMA = {"type": "object", "properties": {"good": {"type": "boolean"}}, "required": ["good"]}


def _sent(vendor: str, messages: list[Message], **changes: Any) -> dict[str, Any]:
    aside = Aside(purpose="critic", system="You judge.", answer_schema=SCHEMA, **changes)
    provider = build(offline_url="http://127.0.0.1:1")[vendor]
    return json.loads(body_of(provider, messages, shape_of(spec_of(vendor), aside=aside)))


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_call_beside_the_conversation_has_a_prompt_and_a_form_of_its_own(vendor: str) -> None:
    """Nothing of the agent's prompt and no tool is sent; its answer has the aside's schema."""
    body = _sent(vendor, [ASKED])

    assert "Agent: bench_critic\\n\\nYou judge." in json.dumps(body)
    assert "You look keys up" not in json.dumps(body)
    assert "tools" not in body
    assert '"good": {"type": "boolean"}' in json.dumps(body)


@pytest.mark.parametrize("vendor", VENDORS)
def test_one_that_reads_the_conversation_names_its_tools_and_may_call_none(vendor: str) -> None:
    """Vendors take no calls in a transcript whose tools they were not told of."""
    body = _sent(vendor, [TASK, CALL, RESULT, ASKED], reads=True)

    assert "lookup" in json.dumps(body["tools"])
    assert body["tool_choice"] in ("none", {"type": "none"})
