"""How probable each piece of a stand-in's answer is, where it was asked and its rules say."""

import math
from typing import Any, Final

from agents.offline import Reply

_PIECE: Final = 4  # characters


def logprobs(reply: Reply) -> dict[str, Any]:
    """Return the answer in pieces of a few characters, as tokens are, each with its probability.

    A part that is only probable is so at its first character: once it has begun, it goes on.
    """
    doubts = {
        reply.text.index(part): math.log(max(probability, 1e-9))
        for part, probability in reply.probable.items()
        if part in reply.text
    }
    cuts = sorted({0, *range(_PIECE, len(reply.text), _PIECE), *doubts})
    ends = [*cuts[1:], len(reply.text)]
    pieces = [
        {
            "token": reply.text[start:end],
            "logprob": doubts.get(start, 0.0),
            "bytes": list(reply.text[start:end].encode("utf-8", "replace")),
            "top_logprobs": [],
        }
        for start, end in zip(cuts, ends, strict=True)
        if end > start
    ]
    return {"content": pieces, "refusal": None}
