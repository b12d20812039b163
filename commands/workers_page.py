"""docs/workers.md: every worker's input and output, written from its schemas.

python starter.py workers --markdown > docs/workers.md
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from domain.workers import WorkerCard

_HEAD: Final = """# Workers

Generated: `make pages` writes it anew. Do not edit it here.

A worker is given one task: an `input` of its own type. It answers `result`, which is one of

| kind | with | what becomes of the task |
|---|---|---|
| `success` | `output`, of its own type | done; what depends on it can begin |
| `failure` | `reason` | the retry queue; with its attempts used up, the dead letters |
| `needs_human` | `question` | a person is asked |

How a goal uses them: [orchestrator.md](orchestrator.md). How one is made: an agent's folder whose
`spec.py` has a `Worker(..., takes=..., gives=...)` in the place of an `Agent`.
"""


def page(cards: Mapping[str, WorkerCard]) -> str:
    """Return the page of `cards`, as Markdown."""
    return "\n".join([_HEAD, *(_section(cards[name]) for name in sorted(cards))])


def _section(card: WorkerCard) -> str:
    reads = ", ".join(f"`{name}`" for name in card.files)
    parts = [
        f"## {card.name}\n",
        f"{card.description}\n",
        *([f"Its tools read these inputs of the goal, as files: {reads}.\n"] if reads else []),
        "### Input\n",
        *_tables(card.takes),
        "### Output\n",
        *_tables(card.gives),
    ]
    return "\n".join(parts)


def _tables(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield a table of a model's fields, one for each model inside it, and the schema itself."""
    yield _table(schema)
    for name, inner in sorted(schema.get("$defs", {}).items()):
        if "properties" in inner:
            yield f"`{name}`:\n"
            yield _table(inner)
    written = json.dumps(schema, ensure_ascii=False)
    yield f"<details><summary>JSON Schema</summary>\n\n```json\n{written}\n```\n\n</details>\n"


def _table(schema: Mapping[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = [
        f"| `{name}` | {_kind(field)} | {'yes' if name in required else 'no'} "
        f"| {_cell(field.get('description', ''))} |"
        for name, field in schema.get("properties", {}).items()
    ]
    return "\n".join(["| field | type | required | |", "|---|---|---|---|", *rows, ""])


def _kind(field: Mapping[str, Any]) -> str:
    """Return a field's type in words."""
    if "$ref" in field:
        return f"`{str(field['$ref']).rpartition('/')[2]}`"
    if "anyOf" in field:
        return " or ".join(_kind(each) for each in field["anyOf"])
    if "enum" in field or "const" in field:
        values = field.get("enum", [field.get("const")])
        return " or ".join(f"`{value}`" if value != "" else "empty" for value in values)
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}))}"
    return str(field.get("format") or field.get("type") or "any")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
