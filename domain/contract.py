"""The two bases every model that crosses a boundary has, and the hash both sides agree on."""

import hashlib
import json
import math
from collections.abc import Iterable
from typing import Any, NoReturn, cast

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


MAX_DEPTH = 64


def strict_json(text: str) -> Any:
    """Parse what a model or a person wrote, as RFC 8259 has it: no NaN, no key twice.

    A value that is nested deeper than `MAX_DEPTH` is refused: it could be parsed here and not be
    written into a history, whose converter has a limit of its own.

    Raises:
        ValueError: It is not that.
    """
    try:
        found = json.loads(
            text,
            parse_constant=_no_constant,
            parse_float=_finite,
            object_pairs_hook=_no_duplicates,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _check_depth(found)
    if "\\ud" in text or "\\uD" in text:
        _check_characters(found)
    return found


def _check_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("it has half of a surrogate pair in a string") from None


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return
    raise ValueError(f"it is nested too deeply; {MAX_DEPTH} levels are allowed")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).values()
    return cast("list[Any]", value) if isinstance(value, list) else ()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite(number: str) -> float:
    found = float(number)
    if math.isinf(found):
        raise ValueError(f"{number[:40]} is no JSON number that a computer holds")
    return found


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has the same key twice")
    return found


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
