"""Cutting a result to the fields that were asked for, before it is recorded or read.

A field is named by its path: `total`, `lines.amount`. A path goes through lists by itself.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

SELECT = "select"
MOST_PATHS = 40
_MOST_PATH = 200  # characters
_MOST_NAMED = 40  # paths that a description or a note names
_DEEPEST = 3  # levels of a result that a description names

# What a note on a result may name: the fields of a stranger's result could be sentences.
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")

Tree = dict[str, "Tree"]


class Selected(NamedTuple):
    """What was asked for of a result.

    Attributes:
        text: The result with these fields alone, as JSON.
        unknown: Paths that it has not.
        there: The fields that it has, where a path was unknown.
        whole: Nothing was left out.
    """

    text: str
    unknown: tuple[str, ...] = ()
    there: tuple[str, ...] = ()
    whole: bool = False


def argument(returns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of the argument `select`, for a tool that `returns` this schema."""
    paths = declared(returns)
    named = f" It has: {', '.join(paths)}." if paths else ""
    return {
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": _MOST_PATH},
        "maxItems": MOST_PATHS,
        "description": (
            "The fields of the result that you need, by their paths, for example total or "
            f"lines.amount; the rest is kept and can be read later. Without it: all.{named}"
        ),
    }


def declared(schema: Mapping[str, Any]) -> list[str]:
    """Return the paths of a result's fields, as its JSON Schema has them, three levels deep."""
    return list(_declared(schema, schema.get("$defs", {}), _DEEPEST))[:_MOST_NAMED]


def _declared(schema: Mapping[str, Any], defs: Mapping[str, Any], levels: int) -> Iterable[str]:
    for name, field in _properties(schema, defs).items():
        yield name
        if levels > 1:
            yield from (f"{name}.{inner}" for inner in _declared(field, defs, levels - 1))


def _properties(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an object, of a list's items, or of the first choice that has any."""
    if "$ref" in schema:
        return _properties(defs.get(str(schema["$ref"]).rpartition("/")[2], {}), defs)
    if "properties" in schema:
        return dict(schema["properties"])
    if "items" in schema:
        return _properties(schema["items"], defs)
    for choice in schema.get("anyOf", ()):
        if found := _properties(choice, defs):
            return found
    return {}


def select(text: str, paths: Sequence[str]) -> Selected | None:
    """Return the result `text` cut to `paths`; None where it is no JSON object or list."""
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict | list):
        return None
    tree: Tree = {}
    for path in paths:
        _plant(tree, path.split("."))
    chosen = _chosen(value, tree)
    unknown = tuple(path for path in paths if not _has(value, path.split(".")))
    there = tuple(filter(_NAME.fullmatch, _fields(value)))[:_MOST_NAMED] if unknown else ()
    return Selected(json.dumps(chosen, ensure_ascii=False), unknown, there, chosen == value)


def _plant(tree: Tree, names: Sequence[str]) -> None:
    for name in names[:-1]:
        inner = tree.setdefault(name, {})
        if _ALL in inner:
            return  # the whole of it is wanted already
        tree = inner
    tree[names[-1]] = {_ALL: {}}


_ALL = ""


def _chosen(value: Any, tree: Tree) -> Any:
    if _ALL in tree:
        return value
    if isinstance(value, list):
        return [_chosen(each, tree) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, Any]", value)
    return {name: _chosen(fields[name], inner) for name, inner in tree.items() if name in fields}


def _has(value: Any, names: Sequence[str]) -> bool:
    if not names:
        return True
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return not items or any(_has(each, names) for each in items)
    if not isinstance(value, dict):
        return False
    fields = cast("dict[str, Any]", value)
    return names[0] in fields and _has(fields[names[0]], names[1:])


def _fields(value: Any) -> list[str]:
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return list(dict.fromkeys(name for each in items for name in _fields(each)))
    return list(cast("dict[str, Any]", value)) if isinstance(value, dict) else []
