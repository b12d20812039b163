"""What a case of the extracting agent is started with: a document and a form, as in a batch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.extract.form import answer_schema, checked
from agents.extract.task import brief

_INLINE = 24_000


def request(given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return task and answer's schema for `name`, `document` and `form` (fields by name)."""
    fields: dict[str, Any] = given["form"]
    required: list[str] = given.get("required", [])
    form = checked({"type": "object", "properties": fields, "required": required})
    task = brief(str(given.get("name", "document.txt")), str(given["document"]).encode(), _INLINE)
    return {"task": task, "answer_schema": answer_schema(form)}
