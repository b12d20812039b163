"""What the stand-in answers: by an agent's rules, or in the form that was asked for."""

import json
from typing import Any

import jsonschema
import orjson
import pytest

from domain.plan import Plan
from runtime.offline.rules import agent_of, smallest
from tests.offline.server import OfflineServer

BENCH = "Agent: bench (prompt v1)\nYou look keys up."
TOOL = {"type": "object", "properties": {"key": {"type": "string"}}}
VENDORS = ("openai", "anthropic")
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}


def _body(vendor: str, system: str, task: str, wants: dict[str, Any] | None = None) -> Any:
    """Return a first request, as each vendor's SDK would send it."""
    user = {"role": "user", "content": task}
    if vendor == "openai":
        tools = [{"type": "function", "function": {"name": "lookup", "parameters": TOOL}}]
        form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": wants}}
        return {
            "model": "gpt-5-mini",
            "messages": [{"role": "system", "content": system}, user],
            "tools": tools,
            "user": "somebody",
            **({"response_format": form} if wants else {}),
        }
    return {
        "model": "claude-haiku-4-5",
        "system": [{"type": "text", "text": system}],
        "messages": [user],
        "tools": [{"name": "lookup", "input_schema": TOOL}],
        "max_tokens": 10,
        "metadata": {"user_id": "somebody"},
        **(
            {"output_config": {"format": {"type": "json_schema", "schema": wants}}} if wants else {}
        ),
    }


def _text(vendor: str, answer: Any) -> str:
    if vendor == "openai":
        return answer["choices"][0]["message"]["content"]
    return answer["content"][0]["text"]


def _arguments(vendor: str, answer: Any) -> Any:
    if vendor == "openai":
        return json.loads(answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"])
    return answer["content"][0]["input"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_answer_says_what_it_is(vendor: str, offline: OfflineServer) -> None:
    """A header and the model's name say that no language model answered; so does the text."""
    answer = offline.post(PATHS[vendor], _body(vendor, "You are kind.", "hello"))

    assert "not a language model" in answer.headers["x-holdfast-stand-in"]
    assert answer.json()["model"].startswith("offline stand-in for ")
    assert "not a language model" in _text(vendor, answer.json())


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_agent_is_answered_by_its_rules(vendor: str, offline: OfflineServer) -> None:
    """The system prompt's first line says whose rules hold."""
    script = '{"turns": 2, "result_bytes": 30}'

    answer = offline.post(PATHS[vendor], _body(vendor, BENCH, script)).json()

    assert _arguments(vendor, answer) == {"key": "0|30"}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_plan_names_each_tool(vendor: str, offline: OfflineServer) -> None:
    """An agent whose rules say nothing about plans gets one that the checks accept."""
    script = '{"turns": 2, "result_bytes": 30}'
    wants = Plan.model_json_schema()

    answer = offline.post(PATHS[vendor], _body(vendor, BENCH, script, wants)).json()

    plan = Plan.model_validate_json(_text(vendor, answer))
    assert [step.tools for step in plan.steps] == [("lookup",)]


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_unknown_agent_gets_the_form_it_asks_for(vendor: str, offline: OfflineServer) -> None:
    """Without rules the answer is the least that fits the schema."""
    wants = {
        "type": "object",
        "properties": {"total": {"type": "integer", "minimum": 3}, "note": {"type": "string"}},
        "required": ["total"],
    }

    answer = offline.post(PATHS[vendor], _body(vendor, "Agent: nobody (prompt v1)", "x", wants))

    assert json.loads(_text(vendor, answer.json())) == {"total": 3}


@pytest.mark.parametrize("vendor", VENDORS)
def test_rules_that_fail_say_whose_they_are(vendor: str, offline: OfflineServer) -> None:
    """A mistake in an agent's offline.py is a refusal that names the agent, not a crash."""
    answer = offline.post(PATHS[vendor], _body(vendor, BENCH, "not json"))

    assert answer.status_code == 400
    assert "agent 'bench'" in answer.json()["error"]["message"]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("body", ["[]", "{}", "null", '{"messages":7}', '{"messages":[{}]}'])
def test_what_is_no_request_is_refused(vendor: str, body: str, offline: OfflineServer) -> None:
    """A body of another shape is a 400 in the vendor's own words."""
    answer = offline.post(PATHS[vendor], json.loads(body))

    assert answer.status_code == 400
    assert "not a request" in answer.json()["error"]["message"]


def test_calls_are_counted_by_caller(offline: OfflineServer) -> None:
    """Each request is listed with its turn; one that was answered before is a repeat."""
    first = _body("openai", BENCH, '{"turns": 2, "result_bytes": 31}') | {"user": "counted"}
    other = first | {"model": "gpt-5"}
    offline.misbehave("server_error,first=1")
    for body in (first, first, first, other):
        offline.post(PATHS["openai"], body)

    stats = offline.get("/stats/counted")

    assert (stats["calls"], stats["answered"], stats["repeated"]) == (4, 3, 1)
    assert [call["outcome"] for call in stats["list"]] == ["server_error", "ok", "ok", "ok"]
    assert [call["repeated"] for call in stats["list"]] == [False, False, True, False]
    assert [call["agent"] for call in stats["list"]] == ["bench"] * 4
    assert sorted(call["at"] for call in stats["list"]) == [call["at"] for call in stats["list"]]
    assert offline.get("/stats")["callers"]["counted"]["repeated"] == 1
    assert offline.get("/stats/nobody")["calls"] == 0


def test_usage_is_the_same_for_the_same_request(offline: OfflineServer) -> None:
    """Tokens are estimated from bytes, so that figures can be repeated."""
    body = _body("openai", BENCH, '{"turns": 2, "result_bytes": 32}')
    first, second = (offline.post(PATHS["openai"], body).json() for _ in range(2))

    assert first == second
    assert first["usage"]["prompt_tokens"] == len(json.dumps(body, separators=(",", ":"))) // 4


@pytest.mark.parametrize(
    ("system", "agent"),
    [
        ("Agent: auditor (prompt v3)\nYou audit.", "auditor"),
        ("Agent: auditor", "auditor"),
        ("Agent: ../etc (prompt v1)", ""),
        ("Agent: os.path (prompt v1)", ""),
        ("You are.\nAgent: auditor (prompt v1)", ""),
        ("", ""),
    ],
)
def test_only_a_plain_name_is_an_agent(system: str, agent: str) -> None:
    """A prompt cannot make the stand-in import anything but an agent's rules."""
    assert agent_of(system) == agent


@pytest.mark.parametrize(
    "schema",
    [
        Plan.model_json_schema(),
        {"type": "array", "items": {"type": "number", "exclusiveMinimum": 2}, "minItems": 2},
        {"enum": ["a", "b"]},
        {"const": 4},
        {"anyOf": [{"type": "null"}, {"type": "string"}]},
        {"type": "string", "minLength": 30},
        {"type": "string", "format": "date"},
        {"type": "boolean"},
        {
            "$defs": {"Part": {"type": "object", "properties": {"on": {"type": "boolean"}}}},
            "type": "object",
            "properties": {"part": {"$ref": "#/$defs/Part"}},
            "required": ["part"],
        },
    ],
)
def test_the_least_answer_fits_its_schema(schema: dict[str, Any]) -> None:
    """What stands in for an answer passes the check that a model's would."""
    jsonschema.validate(smallest(schema), schema)


def test_a_long_conversation_is_read(offline: OfflineServer) -> None:
    """A body of megabytes arrives whole; the bench agent counts the results in it."""
    body = _body("openai", BENCH, '{"turns": 900, "result_bytes": 8000}')
    for turn in range(800):
        call = {
            "id": f"c{turn}",
            "type": "function",
            "function": {"name": "lookup", "arguments": f'{{"key": "{turn}|8000"}}'},
        }
        body["messages"] += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{turn}", "content": "x" * 8_000},
        ]
    assert len(orjson.dumps(body)) > 6_000_000

    answer = offline.post(PATHS["openai"], body).json()

    assert _arguments("openai", answer) == {"key": "800|8000"}
