"""The stand-in's prompt cache: how much of a request it has read before, counted by prefix.

OpenAI reads from its cache by itself: what a request has in common with the last one under the
same `prompt_cache_key`, from 1,024 tokens on, in steps of 128. Anthropic does where it is told to:
up to each block that is marked with `cache_control`, and it says what it wrote as well as what it
read. Nothing is found five minutes after its last use. A token is four bytes here, as everywhere
in the stand-in.
"""

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

MARK: Final = b',"cache_control":{"type":"ephemeral"}'
"""Ends a part that Anthropic is to cache. Inside a text its quotes would be escaped."""
TOKEN_BYTES: Final = 4
_LEAST_BYTES: Final = 1_024 * TOKEN_BYTES
_STEP_BYTES: Final = 128 * TOKEN_BYTES
_LIFE_S: Final = 300.0
_MOST_BYTES: Final = 64_000_000
_MOST_PARTS: Final = 100_000


@dataclass(frozen=True)
class Counted:
    """A request's input tokens; `read` and `written` are parts of `total`."""

    total: int
    read: int = 0
    written: int = 0


class PromptCache:
    """What was read lately."""

    def __init__(self) -> None:
        self._bodies: OrderedDict[tuple[str, str], tuple[bytes, float]] = OrderedDict()
        self._bytes = 0
        self._parts: OrderedDict[bytes, float] = OrderedDict()

    def openai(self, model: str, key: str, body: bytes) -> Counted:
        """Count a request; without a key nothing is looked up."""
        total = max(1, len(body) // TOKEN_BYTES)
        if not key:
            return Counted(total)
        now = time.monotonic()
        last, at = self._bodies.pop((model, key), (b"", 0.0))
        self._bytes -= len(last)
        self._bodies[model, key] = body, now
        self._bytes += len(body)
        while self._bytes > _MOST_BYTES:
            _, (dropped, _) = self._bodies.popitem(last=False)
            self._bytes -= len(dropped)
        same = _common(last, body) if now - at < _LIFE_S else 0
        if same < _LEAST_BYTES:
            return Counted(total)
        return Counted(total, read=same // _STEP_BYTES * _STEP_BYTES // TOKEN_BYTES)

    def anthropic(self, model: str, body: bytes) -> Counted:
        """Count a request by its marks."""
        *marked, rest = body.split(MARK)
        total = max(1, (sum(map(len, marked)) + len(rest)) // TOKEN_BYTES)
        now, state, size = time.monotonic(), hashlib.sha256(model.encode()), 0
        read = written = 0
        for part in marked:
            state.update(part)
            size += len(part)
            if size < _LEAST_BYTES:
                continue
            name = state.digest()
            if now - self._parts.pop(name, -_LIFE_S) < _LIFE_S:
                read = size
            self._parts[name] = now
            written = size
        while len(self._parts) > _MOST_PARTS:
            self._parts.popitem(last=False)
        return Counted(total, read // TOKEN_BYTES, (written - read) // TOKEN_BYTES)


def _common(one: bytes, other: bytes) -> int:
    """Return how many bytes both begin with, by halving."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
