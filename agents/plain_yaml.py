"""YAML as people write it for us: JSON's types, nothing that grows, nothing that surprises.

Aliases are refused, since a few lines of them unfold to gigabytes; a key twice is refused, since
one of the two would be lost. `no` and `on` are words, a day and `0123` are text.
"""

import math
import re
from collections.abc import Hashable, Mapping
from typing import Any, Final, cast

import yaml

from domain.contract import MAX_DEPTH

MAX_BYTES: Final = 200_000


class PlainYamlError(ValueError):
    """A text that is not plain YAML; one line that says where and what to do."""


class _Loader(yaml.SafeLoader):
    """The safe loader with JSON's scalars, and without aliases."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = cast("Any", self.peek_event())  # pyright: ignore[reportUnknownMemberType]
        if (anchor := getattr(event, "anchor", None)) is not None:
            told = f"the alias or anchor {anchor!r} is refused; write it out"
            raise yaml.MarkedYAMLError(None, None, told, event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(None, None, "a key must be a word", key.start_mark)
            if key.value in seen:
                told = f"the key {key.value[:80]!r} is there twice"
                raise yaml.MarkedYAMLError(None, None, told, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_SCALARS: Final = (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", ["n", "~", ""]),
    ("int", r"[-+]?(0|[1-9][0-9]{0,17})", "-+0123456789"),
    ("float", r"[-+]?(0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]{1,3})?", "-+0123456789"),
)
for _tag, _pattern, _first in _SCALARS:
    _Loader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType]
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first)
    )


def parse(text: str) -> Any:
    """Return what `text` says, in JSON's types.

    Raises:
        PlainYamlError: It is not plain YAML; says where and what to do.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise PlainYamlError(f"it has {size:,} bytes; {MAX_BYTES:,} are allowed")
    try:
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, stricter
    except yaml.MarkedYAMLError as error:
        raise PlainYamlError(_where(error)) from None
    except yaml.YAMLError as error:
        raise PlainYamlError(" ".join(str(error).split())[:300]) from None
    except RecursionError:
        raise PlainYamlError("it is nested too deeply") from None
    except (ValueError, OverflowError) as error:
        raise PlainYamlError(f"a value cannot be read: {str(error)[:200]}") from None
    _check(found, 0)
    return found


def mapping(text: str) -> dict[str, Any]:
    """Return the mapping that `text` is.

    Raises:
        PlainYamlError: It is something else.
    """
    found = parse(text)
    if not isinstance(found, dict):
        kind = "nothing" if found is None else f"a {type(found).__name__}"
        raise PlainYamlError(f"it is {kind}, expected a mapping of names to values")
    return cast("dict[str, Any]", found)


def _where(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{where}{' '.join((error.problem or 'not YAML').split())[:300]}"


def _check(value: Any, depth: int) -> None:
    """Refuse what JSON does not have, and what is nested deeper than a history can hold."""
    if depth > MAX_DEPTH:
        raise PlainYamlError(f"it is nested too deeply; {MAX_DEPTH} levels are allowed")
    if isinstance(value, dict):
        for key, inner in cast("Mapping[Any, Any]", value).items():
            if not isinstance(key, str):
                raise PlainYamlError(f"the key {key!r} is no text; put it in quotes")
            _check(key, depth)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            _check(inner, depth + 1)
    else:
        _check_scalar(value)


def _check_scalar(value: Any) -> None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise PlainYamlError("half of a surrogate pair is in a text") from None
    elif isinstance(value, float) and not math.isfinite(value):
        raise PlainYamlError("a number is not finite")
    elif value is not None and not isinstance(value, int | float | bool):
        raise PlainYamlError(f"a {type(value).__name__} is no value here; write it as text")
