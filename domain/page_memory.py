"""What a run's page shows of its memory: its notes, and how much of its conversation is folded."""

import json
from typing import Any

from domain.folding import Remembered
from domain.page import escape, inline

_MOST = 300  # characters of one note


def with_memory(about: str, kept: Remembered | None) -> str:
    """Return `about` with what the run has noted, and how much of its conversation was folded."""
    if kept is None:
        return about
    parts = [about]
    if kept.notes:
        noted = (f"- {escape(name)}: {_note(value)}" for name, value in kept.notes.items())
        parts += ["**Working memory**", "\n".join(noted)]
    if kept.folds:
        known = len(kept.manifest.items) if kept.manifest else 0
        parts.append(
            f"{kept.messages:,} older messages were folded away; {known:,} facts, decisions and "
            "questions of them are kept."
        )
    return "\n\n".join(parts)


def _note(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return inline(text, _MOST)
