"""What stands in for a model that looks questions up: it calls what the task has arguments for."""

import json
import re
from typing import Any, cast

from agents.asides import rows
from agents.offline import Conversation, Reply, answer

_TOOL = re.compile(r"^- (\w+): ", re.MULTILINE)


def reply(conversation: Conversation) -> Reply:
    """Call every tool whose arguments are all named in the task."""
    known = {
        name: value
        for row in rows.rows(rows.section(conversation, "The task"))
        for name, value in row.values.items()
    }
    calls: list[dict[str, str]] = []
    offered = _TOOL.split(rows.section(conversation, "Tools"))
    for tool, described in zip(offered[1::2], offered[2::2], strict=True):
        wanted = _required(described)
        if wanted and wanted <= known.keys():
            arguments = {name: known[name] for name in sorted(wanted)}
            calls.append({"tool": tool, "arguments": json.dumps(arguments)})
    return answer({"calls": calls})


def _required(described: str) -> set[str]:
    start = described.find("{")
    if start < 0:
        return set()
    try:
        schema, _ = json.JSONDecoder().raw_decode(described, start)
    except ValueError:
        return set()
    return set(cast("dict[str, Any]", schema).get("required", ()))
