"""The bench agent's one tool."""

import hashlib

from agents.toolkit import ToolError, tool

_WORDS = " ".join(hashlib.sha256(str(i).encode()).hexdigest()[: 3 + i % 7] for i in range(12_000))


@tool(effect="read", source="ours", timeout=30, result_bytes=100_000)
async def lookup(key: str) -> str:
    """Look a key up and return its text.

    Args:
        key: "<turn>|<bytes>": the turn, and the size of the text to return.
    """
    _, _, size = key.rpartition("|")
    if not size.isdigit() or int(size) > len(_WORDS) // 2:
        raise ToolError(f"key {key!r}: expected '<turn>|<bytes>' with at most {len(_WORDS) // 2}")
    start = int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) % (len(_WORDS) - int(size))
    return _WORDS[start : start + int(size)]
