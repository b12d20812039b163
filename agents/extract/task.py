"""What a document's run is told: the name, the text or its beginning, and where to read on."""

from typing import Final

from agents.extract.tools import PAGE
from domain.contract import digest

_MOST_OFFSETS: Final = 40


def brief(name: str, content: bytes, inline: int) -> str:
    """Return the task for a document.

    Args:
        name: Its path in the folder.
        content: Its text, in UTF-8.
        inline: Bytes of it that the task holds; the rest is read page by page.
    """
    # A document cannot hold the hash of itself, so it cannot end itself early.
    mark = digest(content, length=12)
    shown = content[:inline].decode("utf-8", "ignore")
    begun = len(shown.encode())
    about = f"Document {name!r}, {len(content)} bytes."
    if begun < len(content):
        about += (
            f" The first {begun} are below; read on with read_document at the offsets "
            f"{_offsets(begun, len(content))}."
        )
    return f"{about}\n\n=== document {mark} begins ===\n{shown}\n=== document {mark} ends ===\n"


def _offsets(begun: int, size: int) -> str:
    offsets = [str(offset) for offset in range(begun, size, PAGE)]
    more = ", and so on" if len(offsets) > _MOST_OFFSETS else ""
    return ", ".join(offsets[:_MOST_OFFSETS]) + more
