"""Any JSON value as Markdown that a person reads: headings, lists, tables, paragraphs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

_LONG: Final = 80
_DEEPEST: Final = 6
_PARAGRAPH: Final = ["heading", "text"]


def markdown(value: Any, title: str = "", level: int = 2) -> str:
    """Return `value` under a heading.

    Args:
        value: In JSON's types.
        title: Of the heading; empty for none.
        level: Of the heading.
    """
    parts = [f"{'#' * level} {_line(title)}"] if title else []
    return "\n\n".join([*parts, *_blocks(value, min(level + 1, _DEEPEST))])


def _blocks(value: Any, level: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _mapping(cast("Mapping[str, Any]", value), level)
    elif isinstance(value, list):
        yield from _list(cast("list[Any]", value), level)
    else:
        yield _text(value)


def _mapping(value: Mapping[str, Any], level: int) -> Iterator[str]:
    if sorted(value) == _PARAGRAPH:
        yield f"{'#' * level} {_line(str(value['heading']))}"
        yield _text(value["text"])
        return
    value = {name: each for name, each in value.items() if each not in ("", None)}
    short = {name: each for name, each in value.items() if _is_short(each)}
    if short:
        yield "\n".join(f"- {_words(name)}: {_line(_text(each))}" for name, each in short.items())
    for name, each in value.items():
        if name in short:
            continue
        if isinstance(each, str):
            yield _text(each)
        else:
            prose = _is_prose(each)  # its parts have headings of their own
            yield markdown(each, "" if prose else _words(name), level - prose)


def _list(value: list[Any], level: int) -> Iterator[str]:
    if not value:
        yield "none"
    elif all(_is_row(each) for each in value) and not _is_prose(value):
        yield _table(cast("list[Mapping[str, Any]]", value))
    elif all(_is_scalar(each) for each in value):
        yield "\n".join(f"- {_line(_text(each))}" for each in value)
    else:
        for each in value:
            yield from _blocks(each, level)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [
        " | ".join(_words(name) for name in columns),
        " | ".join("---" for _ in columns),
        *(" | ".join(_cell(row.get(name)) for name in columns) for row in rows),
    ]
    return "\n".join(f"| {line} |" for line in lines)


def _is_prose(value: Any) -> bool:
    """Whether a value is a list of headings with their texts."""
    parts = cast("list[Any]", value) if isinstance(value, list) else []
    return bool(parts) and all(
        isinstance(each, Mapping) and sorted(cast("Mapping[str, Any]", each)) == _PARAGRAPH
        for each in parts
    )


def _is_row(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        _is_scalar(each) for each in cast("Mapping[str, Any]", value).values()
    )


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _is_short(value: Any) -> bool:
    return _is_scalar(value) and len(_text(value)) <= _LONG


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return json.dumps(value, ensure_ascii=False)


def _cell(value: Any) -> str:
    return "" if value is None else _line(_text(value)).replace("|", "\\|")


def _line(text: str) -> str:
    return " ".join(text.split())


def _words(name: str) -> str:
    return name.replace("_", " ")
