"""What the stand-in says: the agent's own rules, or something that fits the request's form."""

import importlib
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from types import ModuleType
from typing import Any, Final

from pydantic import ValidationError

from agents.offline import Call, Conversation, Reply, answer, plan
from domain.contract import digest
from domain.plan import Plan
from runtime.offline.slips import slipped

# How every system prompt begins here; it is all that says whose rules to follow.
_AGENT: Final = re.compile(r"Agent: ([a-z][a-z0-9_]*)(?: \(prompt .*\))?\s*")
_DEEPEST: Final = 20
_TEXT: Final = "stand-in"
_FORMATS: Final = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "email": "nobody@example.com",
    "uri": "https://example.com",
}


def agent_of(system: str) -> str:
    """Return the agent that a system prompt's first line names, or nothing."""
    found = _AGENT.fullmatch(system.partition("\n")[0])
    return found[1] if found else ""


@cache
def rules_of(agent: str) -> ModuleType | None:
    """Return the agent's `offline.py`; None where it has none."""
    if not agent:
        return None
    try:
        return importlib.import_module(f"agents.{agent}.offline")
    except ModuleNotFoundError as error:
        if error.name in {f"agents.{agent}", f"agents.{agent}.offline"}:
            return None
        raise


def reply_to(agent: str, conversation: Conversation) -> Reply:
    """Return what `agent`'s stand-in says."""
    rules = rules_of(agent)
    if rules is None and (beside := _aside_of(agent)) is not None:
        return beside(conversation)
    if conversation.asks_plan:
        own = rules.reply(conversation) if rules is not None else Reply()
        return own if _is_plan(own) else plan(conversation)
    if rules is not None:
        return rules.reply(conversation)
    if conversation.wants is not None:
        return answer(smallest(conversation.wants))
    return answer("This is the offline stand-in, not a language model; it has no rules for this.")


def _aside_of(agent: str) -> Callable[[Conversation], Reply] | None:
    """Return what answers a call beside an agent's conversation: `<agent>_<purpose>`.

    The agent's own `aside(purpose, conversation)`, else what all agents have for the purpose.
    """
    name, _, purpose = agent.rpartition("_")
    own = getattr(rules_of(name), "aside", None)
    if own is not None:
        return partial(own, purpose)
    return getattr(_shared(purpose), "reply", None)


@cache
def _shared(purpose: str) -> ModuleType | None:
    if not purpose:
        return None
    try:
        return importlib.import_module(f"agents.asides.{purpose}")
    except ModuleNotFoundError as error:
        if error.name == f"agents.asides.{purpose}":
            return None
        raise


def _is_plan(reply: Reply) -> bool:
    """Whether the agent's rules gave a plan; rules without an opinion answer something else."""
    try:
        Plan.model_validate_json(reply.text)
    except ValidationError:
        return False
    return not reply.calls


def latency_ms(agent: str, conversation: Conversation) -> float:
    """Return how long the agent's rules want to be waited for."""
    hook = getattr(rules_of(agent), "latency_ms", None)
    return float(hook(conversation)) if hook else 0.0


def invented(agent: str, conversation: Conversation, reply: Reply) -> Reply:
    """Return `reply` with what the agent's rules make up, where they can."""
    rules = rules_of(agent) or _shared(agent.rpartition("_")[2])
    hook = getattr(rules, "invent", None)
    return hook(conversation, reply, conversation.rng) if hook else reply


def with_slip(agent: str, conversation: Conversation, reply: Reply) -> Reply:
    """Return `reply` with one thing wrong: by the agent's own rules, else by ours."""
    hook = getattr(rules_of(agent), "slip", None)
    return hook(conversation, reply, conversation.rng) if hook else slipped(reply, conversation.rng)


def with_invented_tool(reply: Reply) -> Reply:
    """Return a call of a tool that does not exist in place of the first call, or of the answer."""
    name = f"invented_{digest(reply.text, str(reply.calls), length=6)}"
    return replace(reply, calls=(Call(name, {"made": "up"}), *reply.calls[1:]))


def with_malformed_arguments(reply: Reply) -> Reply:
    """Return the calls with arguments that break off in mid-JSON."""
    return replace(reply, calls=tuple(Call(call.name, '{"broken": "off') for call in reply.calls))


def with_wrong_types(reply: Reply) -> Reply:
    """Return the calls with every argument of a type that it cannot have."""

    def wrong(call: Call) -> Call:
        if isinstance(call.arguments, str):
            return call
        return Call(call.name, {name: {"wrong": ["type"]} for name in call.arguments})

    return replace(reply, calls=tuple(wrong(call) for call in reply.calls))


def smallest(schema: dict[str, Any]) -> Any:
    """Return the least that fits a JSON Schema such as pydantic writes."""
    return _smallest(schema, schema.get("$defs", {}), 0)


def _smallest(schema: dict[str, Any], defs: dict[str, Any], depth: int) -> Any:
    if depth > _DEEPEST:
        return None
    if "$ref" in schema:
        return _smallest(defs[schema["$ref"].rpartition("/")[2]], defs, depth + 1)
    for key in ("default", "const"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return _smallest(schema[key][0], defs, depth + 1)
    return _of_type(schema, defs, depth)


def _of_type(schema: dict[str, Any], defs: dict[str, Any], depth: int) -> Any:
    kind = schema.get("type", "object")
    if kind == "object":
        properties = schema.get("properties", {})
        return {
            name: _smallest(properties.get(name, {}), defs, depth + 1)
            for name in schema.get("required", ())
        }
    if kind == "array":
        item = schema.get("items", {})
        return [_smallest(item, defs, depth + 1) for _ in range(schema.get("minItems", 0))]
    if kind == "string":
        text = _FORMATS.get(schema.get("format", ""), _TEXT)
        return text.ljust(schema.get("minLength", 0), ".")
    if kind in {"integer", "number"}:
        return schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    return False if kind == "boolean" else None
