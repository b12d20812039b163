"""The page of any run of several: what it came to, and each of the runs below it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from commands.pages import sheet
from commands.pages.around import Around
from commands.pages.timeline import Budget
from domain.runs import RunResult

_MOST_ROWS: Final = 200
_MOST_COLUMNS: Final = 7
_BRIEF: Final = 160
"""Characters of a value that stands in a table or beside its name."""


class Fact(NamedTuple):
    """A name and a short value."""

    name: str
    value: str


class Text(NamedTuple):
    """A name and a long value."""

    name: str
    text: str


class Rows(NamedTuple):
    """Things of one kind as a table; `more` are not shown.

    Attributes:
        whole: All of it as JSON, where the table has not room for all.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int
    whole: str


class Own(NamedTuple):
    """What a workflow's result says that not all results do."""

    facts: tuple[Fact, ...]
    texts: tuple[Text, ...]
    tables: tuple[Rows, ...]


def several_page(
    result: RunResult,
    around: Around,
    *,
    title: str = "",
    live: str = "",
    budget: Budget | None = None,
) -> str:
    """Return one self-contained HTML page.

    Args:
        result: What the run came to, or has come to so far.
        around: What all pages have.
        title: What it is about.
        live: State of a run under way; empty for one that has closed.
        budget: What all runs together may use.
    """
    return sheet.render(
        "several.html.jinja",
        result=result,
        own=own(result),
        around=around,
        title=title,
        live=live,
        budget=budget or Budget(),
    )


def own(result: RunResult) -> Own:
    """Return the fields of a result that only its workflow has, by how they can be shown."""
    common = RunResult.model_fields.keys()
    facts, texts, tables = list[Fact](), list[Text](), list[Rows]()
    values = result.model_dump(mode="json")
    for name in type(result).model_fields:
        value = values.get(name)
        if name in common or value in (None, "", [], {}):
            continue
        said = name.replace("_", " ")
        rows = _records(value)
        if rows:
            tables.append(_table(said, rows))
        elif isinstance(value, dict | list) or len(str(value)) > _BRIEF:
            texts.append(Text(said, sheet.as_text(value)))
        else:
            facts.append(Fact(said, _cell(value)))
    return Own(tuple(facts), tuple(texts), tuple(tables))


def _records(value: Any) -> list[Mapping[str, Any]]:
    """Return a list of objects, or an object of objects with their names in it; else nothing."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        named = [
            {"": name, **cast("dict[str, Any]", each)}
            for name, each in items
            if isinstance(each, dict)
        ]
        return cast("list[Mapping[str, Any]]", named if len(named) == len(items) else [])
    if isinstance(value, list):
        each = cast("list[Any]", value)
        return each if all(isinstance(one, dict) for one in each) else []
    return []


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> Rows:
    """Return objects as rows, with those of their fields that any has and a cell can hold."""
    names = dict.fromkeys(key for row in rows for key in row)
    told = [key for key in names if any(row.get(key) not in (None, "", [], {}) for row in rows)]
    brief = [key for key in told if not _bulky(rows, key)]
    columns = brief[:_MOST_COLUMNS]
    left = len(columns) < len(told) or len(rows) > _MOST_ROWS
    return Rows(
        name=name,
        columns=tuple(key.replace("_", " ") for key in columns),
        rows=tuple(tuple(_cell(row.get(key)) for key in columns) for row in rows[:_MOST_ROWS]),
        more=max(len(rows) - _MOST_ROWS, 0),
        whole=sheet.as_text(rows) if left else "",
    )


def _bulky(rows: Sequence[Mapping[str, Any]], key: str) -> bool:
    """Whether a field holds what a cell cannot show well."""
    values = (row.get(key) for row in rows)
    return any(isinstance(each, dict | list) or len(str(each)) > _BRIEF for each in values)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
