"""Showing of a tool's result what the model asked for; the whole is kept as an artifact."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from domain.acting import ActOutcome
from domain.selecting import SELECT, Selected, select
from domain.tools import ToolSpec

Cut = Callable[[str, int], Awaitable[ActOutcome]]
Keep = Callable[[bytes, str], Awaitable[str]]
_LEAST = 500  # bytes of a result that are shown however long the note on it is


def asked_for(spec: ToolSpec, arguments: Mapping[str, Any]) -> list[str]:
    """Return the fields that a call wants; nothing: all of them."""
    return list(arguments.get(SELECT) or ()) if spec.select else []


async def shown(text: str, paths: list[str], most: int, *, keep: Keep, cut: Cut) -> ActOutcome:
    """Return a result as the model reads it: the fields at `paths` alone, within `most` bytes.

    Args:
        text: The result.
        paths: What was asked for; nothing: all of it.
        most: UTF-8 bytes that the model is shown.
        keep: Keeps the whole, and returns its reference.
        cut: Cuts a text that is too large.
    """
    chosen = select(text, paths) if paths else None
    if chosen is None or chosen.whole:
        return await cut(text, most)
    reference = await keep(text.encode("utf-8", "replace"), "application/json")
    note = _note(chosen, reference)
    outcome = await cut(chosen.text, max(most - len(note.encode()), _LEAST))
    return outcome.model_copy(update={"text": outcome.text + note, "artifact": reference})


def _note(chosen: Selected, reference: str) -> str:
    lacks = ""
    if chosen.unknown:
        lacks = f"it has no {', '.join(chosen.unknown)}; it has {', '.join(chosen.there)}; "
    return f'\n[selected; {lacks}the whole is in read_artifact(reference="{reference}")]'
