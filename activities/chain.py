"""A chain's checks: its definition before anything runs, and each hand-off before a step does.

Both are rules over values and change nothing.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from temporalio import activity

from domain.chain import INPUT, ChainRequest, CheckValueRequest, Problems
from domain.contract import MAX_DEPTH
from domain.handoff import problems

_MOST = 5
_LONGEST = 300


class ChainActivities:
    """What a chain asks before it goes on.

    Args:
        agents: Names of the agents that are served.
    """

    def __init__(self, agents: Collection[str]) -> None:
        self._agents = agents

    @activity.defn(name="chain.check")
    async def check(self, request: ChainRequest) -> Problems:
        """Say what is wrong with a chain and with what it is given."""
        return Problems(problems=tuple(wrong_with(request, self._agents)))

    @activity.defn(name="chain.fits")
    async def fits(self, request: CheckValueRequest) -> Problems:
        """Say why a value does not fit a schema."""
        return Problems(problems=tuple(misfits(request.value_schema, request.value)))


def wrong_with(request: ChainRequest, agents: Collection[str]) -> list[str]:
    """Return all that is wrong with a chain, a sentence each."""
    if found := problems(request):
        return found
    schemas = {"input": request.input}
    for step in request.steps:
        schemas[f"step {step.name!r}: its input"] = step.input
        schemas[f"step {step.name!r}: its output"] = step.output
        if step.agent not in agents:
            known = ", ".join(sorted(agents))
            found.append(f"step {step.name!r}: there is no agent {step.agent!r}; there are {known}")
    for where, schema in schemas.items():
        if wrong := no_schema(schema):
            found.append(f"{where} is no JSON Schema: {wrong}")
    if found:
        return found
    return [f"{INPUT}: {wrong}" for wrong in misfits(request.input, request.given)]


def no_schema(schema: Mapping[str, Any]) -> str:
    """Return why `schema` is no JSON Schema that a value can be checked by; empty if it is one."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = "/".join(map(str, error.absolute_path))
        return f"{where}: {error.message[:_LONGEST]}" if where else error.message[:_LONGEST]
    except RecursionError:
        return f"it is nested deeper than {MAX_DEPTH} levels"
    for part in _parts(schema):
        if wrong := _beyond_its_form(part, schema):
            return wrong
    return ""


def _beyond_its_form(part: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return what the form of a schema allows and checking a value by it would break on."""
    reference: Any = part.get("$ref") or part.get("$dynamicRef")
    if isinstance(reference, str) and not _resolves(reference, schema):
        return f"$ref {reference!r} is not in it; only #/$defs/... of the same schema is followed"
    patterns = [part.get("pattern"), *cast("dict[str, Any]", part.get("patternProperties") or {})]
    for pattern in patterns:
        if isinstance(pattern, str):
            try:
                re.compile(pattern)
            except re.error as error:
                return f"pattern {pattern!r}: {error}"
    return ""


def _resolves(reference: str, schema: Mapping[str, Any]) -> bool:
    if not reference.startswith("#"):
        return False
    found: Any = schema
    for part in filter(None, reference[1:].split("/")):
        if not isinstance(found, dict) or part not in found:
            return False
        found = cast("dict[str, Any]", found)[part]
    return True


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    level = [schema]
    while level:
        value = level.pop()
        if isinstance(value, dict):
            inner = cast("dict[str, Any]", value)
            yield inner
            level.extend(inner.values())
        elif isinstance(value, list):
            level.extend(cast("list[Any]", value))


def misfits(schema: Mapping[str, Any], value: Any) -> list[str]:
    """Return why `value` does not fit `schema`, a sentence each."""
    found: list[str] = []
    validator = Draft202012Validator(dict(schema))
    try:
        for error in validator.iter_errors(value):  # pyright: ignore[reportUnknownMemberType]
            where = "/".join(str(part) for part in error.absolute_path)
            told = error.message[:_LONGEST]
            found.append(f"{where}: {told}" if where else told)
            if len(found) == _MOST:
                break
    except Exception as error:  # noqa: BLE001 - whatever a schema can break on is its fault
        found.append(f"it cannot be checked: {type(error).__name__}: {str(error)[:_LONGEST]}")
    return found
