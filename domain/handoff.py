"""What one step of a chain hands to the next: who makes what, what is wrong, what fits."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from domain.chain import INPUT, MOST_STEPS, STEP_AGENT, ChainRequest, Take
from domain.contract import canonical

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_MORE: Final = "…"


# --- who makes what


class Origin(NamedTuple):
    """Where a field comes from."""

    step: str
    field: str


def origin(request: ChainRequest, index: int, name: str) -> Origin | None:
    """Return where field `name` of the step at `index` comes from; None where nobody makes it."""
    step = request.steps[index]
    take = step.take.get(name, Take())
    if take.of:
        source, _, field = take.of.partition(".")
        found = Origin(source, field)
        return found if _schema_of(request, index, found) is not None else None
    for before in reversed(request.steps[:index]):
        if name in properties(before.output):
            return Origin(before.name, name)
    return Origin(INPUT, name) if name in properties(request.input) else None


def _schema_of(request: ChainRequest, index: int, origin: Origin) -> Mapping[str, Any] | None:
    if origin.step == INPUT:
        return properties(request.input).get(origin.field)
    for before in request.steps[:index]:
        if before.name == origin.step:
            return properties(before.output).get(origin.field)
    return None


def properties(schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the properties that an object's schema declares."""
    found: Any = schema.get("properties")
    named = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    return {name: cast("dict[str, Any]", each) for name, each in named.items() if _is_object(each)}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def required(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names that an object must have."""
    found: Any = schema.get("required", ())
    return tuple(str(each) for each in cast("Sequence[Any]", found)) if found else ()


def gathered(
    request: ChainRequest, index: int, made: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[Origin, Any]]:
    """Return what the step at `index` is to be given, whole: each field it declares, and no other.

    Args:
        request: The chain.
        index: Which step.
        made: What the chain was given (as `input`) and what each step answered, by name.
    """
    found: dict[str, tuple[Origin, Any]] = {}
    for name in properties(request.steps[index].input):
        source = origin(request, index, name)
        if source and source.field in made.get(source.step, {}):
            found[name] = (source, made[source.step][source.field])
    return found


# --- what is wrong with a chain, before anything runs


def problems(request: ChainRequest) -> list[str]:
    """Return what is wrong with a chain, a sentence each; the schemas themselves are not judged."""
    if not request.steps:
        return ["the chain has no steps; give it some: steps: [{name: ..., instruction: ...}]"]
    if len(request.steps) > MOST_STEPS:
        return [f"the chain has {len(request.steps)} steps; {MOST_STEPS} are allowed"]
    found = _of_object("input", request.input)
    names = [step.name for step in request.steps]
    for index, step in enumerate(request.steps):
        where = f"step {step.name!r}" if step.name else f"step {index + 1}"
        found += [f"{where}: {wrong}" for wrong in _of_step(request, index, names)]
    return found


def _of_step(request: ChainRequest, index: int, names: list[str]) -> list[str]:
    step = request.steps[index]
    found: list[str] = []
    if not _NAME.fullmatch(step.name) or step.name == INPUT:
        found.append("its name must be lower case letters, digits, - and _, and not 'input'")
    elif names.index(step.name) != index:
        found.append("an earlier step has the same name")
    if step.agent == STEP_AGENT and not step.instruction.strip():
        found.append("it has no instruction; say what it shall do, or name an agent")
    found += _of_object("its input", step.input) + _of_object("its output", step.output)
    found += [
        f"it takes {name!r}, which its input does not declare"
        for name in step.take
        if name not in properties(step.input)
    ]
    for name in properties(step.input):
        found += _of_field(request, index, name)
    return found


def _of_field(request: ChainRequest, index: int, name: str) -> list[str]:
    step = request.steps[index]
    take = step.take.get(name, Take())
    source = origin(request, index, name)
    wanted = properties(step.input)[name]
    if source is None:
        if take.of:
            return [f"{name!r} is to come of {take.of!r}, which nothing before it makes"]
        if name in required(step.input):
            return [f"it needs {name!r}, which nothing before it makes"]
        return []
    makes = _schema_of(request, index, source) or {}
    found: list[str] = []
    if not _may_fit(makes, wanted):
        found.append(
            f"{name!r} must be {_types(wanted)}, and {source.step}.{source.field} is "
            f"{_types(makes)}"
        )
    if take.longer == "summarise" and "string" not in (_types(wanted) or ["string"]):
        found.append(f"{name!r} cannot be summarised: it is no text")
    return found


def _of_object(what: str, schema: Mapping[str, Any]) -> list[str]:
    if schema.get("type") != "object" or not properties(schema):
        return [f"{what} must be a JSON Schema of an object with properties"]
    return []


def _types(schema: Mapping[str, Any]) -> list[str]:
    found: Any = schema.get("type", ())
    return [found] if isinstance(found, str) else sorted(map(str, found))


def _may_fit(makes: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether some value of the one type could be of the other; unknown where none is named."""
    left, right = set(_types(makes)), set(_types(wanted))
    if "number" in right:
        right.add("integer")
    if "number" in left:
        left.add("integer")
    return not left or not right or bool(left & right)


# --- making it fit


class Cut(NamedTuple):
    """A value as it is handed on, and what was done to it, in words."""

    value: Any
    how: str


def is_longer(value: Any, most: int) -> bool:
    """Whether a value has more characters than may be handed on."""
    return bool(most) and _characters(value) > most


def cut(value: Any, most: int) -> Cut | None:
    """Return as much of `value` as may be handed on; None where it cannot be cut in two."""
    had = _characters(value)
    if isinstance(value, str):
        kept = value[: max(most - len(_MORE), 0)] + _MORE
        return Cut(kept, f"cut from {had:,} to {len(kept):,} characters")
    if isinstance(value, list):
        items = cast("list[Any]", value)
        count = _fitting(items, most)
        return Cut(items[:count], f"cut from {len(items)} to {count} items")
    return None


def _fitting(items: Iterable[Any], most: int) -> int:
    used, count = 2, 0
    for item in items:
        used += len(canonical(item).decode("utf-8", "surrogatepass")) + (1 if count else 0)
        if used > most:
            break
        count += 1
    return count


def _characters(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    return len(canonical(value).decode("utf-8", "surrogatepass"))
