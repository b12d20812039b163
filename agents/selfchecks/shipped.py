"""The prompts of calls beside a conversation, where an agent brings none of its own."""

from functools import cache
from pathlib import Path
from typing import Final, Literal

from domain.selfcheck import SidePrompt

Purpose = Literal["critic", "claims", "verify", "lookup"]
_FILES: Final[dict[Purpose, str]] = {
    "critic": "critic.v1.0.0.md",
    "claims": "claims.v1.0.0.md",
    "verify": "verify.v1.0.0.md",
    "lookup": "lookup.v1.0.0.md",
}


@cache
def shipped(purpose: Purpose) -> SidePrompt:
    """Return the prompt that calls of `purpose` have, with its file's version."""
    name = _FILES[purpose]
    text = (Path(__file__).parent / "prompts" / name).read_text(encoding="utf-8")
    return SidePrompt(text=text.strip(), version=name.removesuffix(".md"))
