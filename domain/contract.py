"""The two bases every model that crosses a boundary has, and the hash both sides agree on."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """A value that crosses a process or a history: unknown fields are ignored.

    An old worker can so read a newer history. Fields added later need defaults.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")


class Strict(BaseModel):
    """A value that a model or a person wrote: an unknown field is an error, not noise."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def canonical(value: Any) -> bytes:
    """Return the one JSON spelling of `value`: sorted keys, no spaces, UTF-8."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str
    ).encode("utf-8", "surrogatepass")


def digest(*parts: bytes | str, length: int = 32) -> str:
    """Return the first `length` hex digits of SHA-256 over `parts`, each framed by its size.

    Framing keeps ("ab", "c") and ("a", "bc") apart.
    """
    state = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        state.update(len(raw).to_bytes(8, "big"))
        state.update(raw)
    return state.hexdigest()[:length]
