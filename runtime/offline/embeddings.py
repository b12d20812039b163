"""The stand-in's embeddings: a hashed bag of words. Texts that share words are near, no others.

It knows no meaning, and says so in the name of the model that it answers with.
"""

import base64
import hashlib
import math
import struct
from typing import Any, Final

from domain.likeness import words
from runtime.offline.protocols import STAND_IN

PATHS: Final = frozenset({"/v1/embeddings", "/local/v1/embeddings"})
_NUMBERS: Final = 256


def answered(body: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a request for embeddings, as the vendor's protocol has it.

    Raises:
        ValueError: The input is neither a text nor a list of texts.
    """
    given = body["input"]
    texts = [given] if isinstance(given, str) else list(given)
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise ValueError("input: expected a text, or a list of texts, none of them empty")
    coded = body.get("encoding_format") == "base64"
    tokens = sum(max(1, len(text) // 4) for text in texts)
    return {
        "object": "list",
        "model": f"{STAND_IN}{body['model']}",
        "data": [
            {"object": "embedding", "index": index, "embedding": _written(text, coded=coded)}
            for index, text in enumerate(texts)
        ],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _written(text: str, *, coded: bool) -> list[float] | str:
    found = vector(text)
    return base64.b64encode(struct.pack(f"<{_NUMBERS}f", *found)).decode() if coded else found


def vector(text: str) -> list[float]:
    """Return a text's words, each at a place and with a sign that its hash says; length one."""
    found = [0.0] * _NUMBERS
    for word, count in words(text).items():
        hashed = hashlib.sha256(word.encode("utf-8", "replace")).digest()
        place, sign = int.from_bytes(hashed[:4], "big") % _NUMBERS, 1 if hashed[4] % 2 else -1
        found[place] += sign * (1 + math.log(count))
    length = math.sqrt(sum(value * value for value in found))
    if not length:  # no word in it says anything: near to nothing but another of its kind
        return [1.0, *found[1:]]
    return [value / length for value in found]
