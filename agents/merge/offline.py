"""The merging agent's offline rules: read all rows, then repeat the summary, field by field."""

import json
from typing import Any, cast

from agents.offline import Conversation, Reply, answer, call

_NAMED = 3
_FORM = {"summary", "statements"}


def reply(conversation: Conversation) -> Reply:
    """Read the next page while there is one; then answer."""
    pages = [json.loads(page.text) for page in conversation.results_of("batch_rows")]
    if not pages:
        return call("batch_rows", after=0)
    if (after := pages[-1].get("more_after")) is not None:
        return call("batch_rows", after=after)
    rows = [row for page in pages for row in page["rows"]]
    summary: dict[str, Any] = json.loads(conversation.task)["summary"]
    wants = conversation.wants or {}
    if set(wants.get("properties", {})) != _FORM:
        return answer(_filled(wants, summary))
    return answer(
        {
            "summary": f"{summary['rows']} documents were read.",
            "statements": [_statement(field, rows) for field in summary["fields"]],
        }
    )


def _statement(field: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    name = field["name"]
    found = [row["document"] for row in rows if row["values"].get(name) is not None]
    total = f", {field['total']} in total" if field.get("total") is not None else ""
    return {
        "text": f"{name} is known of {field['filled']} documents{total}.",
        "documents": (found or [row["document"] for row in rows])[:_NAMED],
    }


def _filled(wants: dict[str, Any], summary: dict[str, Any]) -> dict[str, Any]:
    """Return an answer in a form of the user's own: numbers by the fields' names, else words."""
    totals = {field["name"]: field.get("total") for field in summary["fields"]}
    properties = cast("dict[str, dict[str, Any]]", wants.get("properties", {}))
    return {name: _entry(name, form, totals, summary) for name, form in properties.items()}


def _entry(
    name: str, form: dict[str, Any], totals: dict[str, Any], summary: dict[str, Any]
) -> object:
    kind = form.get("type", "string")
    if kind in {"number", "integer"}:
        number = float(totals.get(name) or summary["rows"])
        return int(number) if kind == "integer" else number
    if kind == "array":
        return list[Any]()
    return f"{summary['rows']} documents were read."
