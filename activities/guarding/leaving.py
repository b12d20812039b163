"""What leaves a run, by its policy: answers and the arguments of writes, redacted or held up."""

import json
from collections.abc import Callable, Sequence
from typing import Any, cast

from activities.guarding.spills import Spill, personal_in, secrets_in, without
from domain.guard import Guarded, GuardPolicy

Left = tuple[Any, tuple[Guarded, ...]]


def cleared(value: Any, guards: GuardPolicy, own: Sequence[str]) -> Left:
    """Return a value without what is to be redacted, and what speaks against the rest.

    Args:
        value: A text, or JSON.
        guards: Says what becomes of secrets and of personal data.
        own: Values of our own settings, which nobody may say.
    """
    held: dict[tuple[str, str], set[str]] = {}

    def clear(text: str) -> str:
        gone: list[Spill] = []  # from this text
        for by, action, find in (
            ("secrets", guards.secrets, lambda: secrets_in(text, own)),
            ("personal", guards.personal, lambda: personal_in(text, guards.personal_kinds)),
        ):
            found = find() if action != "off" else []
            if action == "redact":
                gone += found
            if found:
                held.setdefault((by, action), set()).update(each.kind for each in found)
        return without(text, gone) if gone else text

    if guards.secrets == guards.personal == "off":
        return value, ()
    found = _each_text(value, clear)
    return found, tuple(_said(by, action, kinds) for (by, action), kinds in sorted(held.items()))


def cleared_text(
    text: str, guards: GuardPolicy, own: Sequence[str]
) -> tuple[str, Sequence[Guarded]]:
    """Return the same for an answer: JSON stays JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        return cleared(text, guards, own)
    found, held = cleared(value, guards, own)
    return (text if found == value else json.dumps(found, ensure_ascii=False)), held


def _each_text(value: Any, clear: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return clear(value)
    if isinstance(value, list):
        return [_each_text(each, clear) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {clear(name): _each_text(each, clear) for name, each in fields.items()}
    return value


def _said(by: str, action: str, kinds: set[str]) -> Guarded:
    named = ", ".join(sorted(kinds))
    if action == "redact":
        return Guarded(by=by, removed=named)
    if action == "ask":
        return Guarded(by=by, ask=f"it has {named} in it")
    what = "secrets" if by == "secrets" else "personal data"
    return Guarded(
        by=by, refuse=f"it has {named} in it", hint=f"leave the {what} out, or say where it is kept"
    )
