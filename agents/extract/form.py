"""The form: a JSON Schema that names the fields wanted of each document, checked before use."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from domain.contract import canonical, strict_json

MAX_BYTES: Final = 32_000
"""Of a form: it crosses with every document."""
MAX_FIELDS: Final = 100
_EXAMPLE: Final = '{"type": "object", "properties": {"total": {"type": "number"}}}'
# What stands beside `properties` and says nothing about a document's fields.
_BESIDE: Final = frozenset(
    {
        "$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "examples",
        "type", "properties", "required", "additionalProperties", "default", "deprecated",
    }
)  # fmt: skip
_HOISTED: Final = ("$defs", "definitions")


class FormError(ValueError):
    """A form that asks for nothing, or is no JSON Schema; the message says where."""


def load(path: Path) -> dict[str, Any]:
    """Return the checked form in a file, JSON or YAML.

    Raises:
        FormError: It cannot be read, or is no form.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise FormError(f"{str(path)!r} cannot be opened: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FormError(f"{str(path)!r} is not UTF-8 text") from None
    try:
        found = strict_json(text) if path.suffix.lower() == ".json" else _yaml(text)
    except ValueError as error:
        raise FormError(f"{str(path)!r} is neither JSON nor YAML: {error}") from None
    return checked(found)


def _yaml(text: str) -> Any:
    try:
        found = yaml.safe_load(text)
        return json.loads(json.dumps(found, allow_nan=False))
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())[:200]) from None
    except (TypeError, RecursionError) as error:
        raise ValueError(f"it holds what JSON has no word for ({error})") from None


def checked(form: Any) -> dict[str, Any]:
    """Return `form` if fields can be taken by it.

    Raises:
        FormError: Says what is wrong with it, and where.
    """
    if not isinstance(form, dict) or not form:
        raise FormError(
            f"the schema is {_named(form)}, expected a JSON Schema of an object: {_EXAMPLE}"
        )
    found = cast("dict[str, Any]", form)
    for check in (_size, _meta, _fields, _top_level, _refs, _ends):
        if refusal := check(found):
            raise FormError(refusal)
    return found


def _named(value: Any) -> str:
    return "empty" if value in (None, {}) else f"of type {type(value).__name__}"


def _size(form: dict[str, Any]) -> str:
    size = len(canonical(form))
    return f"the schema has {size:,} bytes; {MAX_BYTES:,} are allowed" if size > MAX_BYTES else ""


def _meta(form: dict[str, Any]) -> str:
    try:
        Draft202012Validator.check_schema(form)
    except SchemaError as error:
        where = "/".join(str(part) for part in error.absolute_path) or "its top level"
        return f"the schema is no JSON Schema: {where}: {error.message[:300]}"
    except RecursionError:
        return "the schema is nested too deeply"
    return ""


def _fields(form: dict[str, Any]) -> str:
    if form.get("type", "object") != "object":
        return f"the schema describes a {form['type']!r}, expected 'object': {_EXAMPLE}"
    fields: dict[str, Any] = form.get("properties") or {}
    if not fields:
        return f"the schema names no field: its 'properties' are empty; expected {_EXAMPLE}"
    if len(fields) > MAX_FIELDS:
        return f"the schema names {len(fields)} fields; {MAX_FIELDS} are allowed"
    if bare := [name for name, field in fields.items() if not isinstance(field, dict)]:
        return f'field {bare[0]!r} is not described; expected for example {{"type": "string"}}'
    return ""


def _top_level(form: dict[str, Any]) -> str:
    fields: dict[str, Any] = form["properties"]
    if lost := [name for name in form.get("required", ()) if name not in fields]:
        return f"'required' names {lost[0]!r}, which is no field; fields are {sorted(fields)}"
    if more := sorted(form.keys() - _BESIDE):
        return f"{more[0]!r} at the top level is not supported: describe the fields one by one"
    return ""


def _refs(form: dict[str, Any]) -> str:
    known = {f"#/{part}/{name}" for part in _HOISTED for name in form.get(part, {})}
    for found in (*_named_texts(form, "$ref"), *_named_texts(form, "$dynamicRef")):
        if found not in known:
            there = ", ".join(sorted(known)) or "none"
            return f"'$ref' {found!r} leads nowhere; definitions in the schema: {there}"
    if any(_named_texts(part, "$id") for part in form.values()):
        return "an '$id' below the top level is not supported: it changes what '$ref' means"
    return ""


def _ends(form: dict[str, Any]) -> str:
    """Refuse definitions that refer to each other in a circle, by checking a value by them."""
    try:
        problems(values_schema(form), dict.fromkeys(fields_of(form), ""))
    except RecursionError:
        return "a definition refers to itself without an end"
    return ""


def _named_texts(value: Any, name: str) -> list[str]:
    """Return the texts under a keyword, wherever it stands; a field of that name is no text."""
    found: list[str] = []
    if isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            if key == name and isinstance(inner, str):
                found.append(inner)
            found += _named_texts(inner, name)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            found += _named_texts(inner, name)
    return found


# --- what is made of it


def fields_of(form: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the fields of a checked form, in its order."""
    return dict(form["properties"])


def answer_schema(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a document's run answers in: each field with its confidence and its quote."""
    fields = fields_of(form)
    described = {
        "type": "object",
        "title": "Extraction",
        "properties": {name: _taken(field) for name, field in fields.items()},
        "required": list(fields),
        "additionalProperties": False,
    }
    return described | _definitions(form)


def _taken(field: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "value": {"anyOf": [field, {"type": "null"}]},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "quote": {"type": "string", "maxLength": 2_000},
        },
        "required": ["value", "confidence", "quote"],
        "additionalProperties": False,
    }


def values_schema(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of the bare values that a person writes, those that are not empty."""
    described = {
        "type": "object",
        "properties": fields_of(form),
        "additionalProperties": False,
    }
    return described | _definitions(form)


def _definitions(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the fields refer to: it stays where their references look for it."""
    return {part: form[part] for part in _HOISTED if part in form}


def problems(schema: Mapping[str, Any], value: Any, most: int = 3) -> list[str]:
    """Return where `value` does not fit `schema`, one sentence each."""
    found: list[str] = []
    for error in Draft202012Validator(schema).iter_errors(value):  # pyright: ignore[reportUnknownMemberType]
        where = "/".join(str(part) for part in error.absolute_path) or "top level"
        found.append(f"{where}: {error.message[:200]}")
        if len(found) == most:
            break
    return found
