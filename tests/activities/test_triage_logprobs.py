"""How probable an answer was, from the wire to the reply: the real SDK, a real server."""

import json
import math
from typing import Any

import pytest

from activities.providers import build
from domain.messages import Message
from domain.spec import AgentSpec
from domain.ticket import classification_task
from tests.activities.thinking import body_of, shape_of, spec_of
from tests.offline.server import OfflineServer
from tests.workflows.triaging import UNSURE, brief_of

VENDORS = ("openai", "anthropic")


def _spec(vendor: str, **changes: Any) -> AgentSpec:
    wants: dict[str, Any] = {
        "type": "object",
        "properties": {"category": {}},
        "required": ["category"],
    }
    spec = spec_of(vendor, answer_schema=wants, **changes)
    return spec.model_copy(update={"system": "Agent: triage (prompt v1)\n\nSort.", "tools": ()})


@pytest.mark.requirement("C4.5:confidence")
@pytest.mark.parametrize("vendor", VENDORS)
async def test_the_category_has_its_probability_where_the_protocol_tells(
    vendor: str, offline: OfflineServer
) -> None:
    """OpenAI's protocol tells it of each field; Anthropic's has no words for it."""
    task = Message(role="user", text=json.dumps(classification_task(brief_of(UNSURE))))
    provider = build(offline_url=offline.url)[vendor]
    body = body_of(provider, [task], shape_of(_spec(vendor, logprobs=True)))

    reply = await provider.complete(body)
    await provider.close()

    said = json.loads(reply.message.text)
    if vendor == "anthropic":
        assert reply.logprobs == {}
        assert 0 < said["confidence"] < 1
        return
    assert json.loads(body)["logprobs"] is True
    assert 0.4 < math.exp(reply.logprobs["category"]) < said["confidence"]
    assert reply.logprobs["confidence"] == 0


@pytest.mark.requirement("C4.5:confidence")
async def test_who_does_not_ask_is_not_told(offline: OfflineServer) -> None:
    """Without `logprobs` in the spec the request is as it was, and so is the reply."""
    task = Message(role="user", text=json.dumps(classification_task(brief_of(UNSURE))))
    provider = build(offline_url=offline.url)["openai"]
    body = body_of(provider, [task], shape_of(_spec("openai")))

    reply = await provider.complete(body)
    await provider.close()

    assert "logprobs" not in json.loads(body)
    assert reply.logprobs == {}
