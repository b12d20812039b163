"""The logbook, a text file whose pages are parted by form feeds, page by page."""

import asyncio
from pathlib import Path
from typing import Annotated

from pydantic import Field

from agents.toolkit import ToolContext, ToolError, tool

PAGE_BREAK = "\f"


@tool(effect="read", result_bytes=6_000)
async def read_page(context: ToolContext, page: Annotated[int, Field(ge=1)]) -> str:
    """Read one page of the logbook.

    Args:
        context: Of the call.
        page: Its number, from 1.
    """
    return await asyncio.to_thread(_page, Path(context.data["logbook"]), page)


def _page(path: Path, page: int) -> str:
    try:
        pages = path.read_text(encoding="utf-8").split(PAGE_BREAK)
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(f"logbook {str(path)!r} cannot be read: {error}") from None
    if page > len(pages):
        raise ToolError(f"there is no page {page}; the logbook has {len(pages)} pages")
    return f"Page {page} of {len(pages)}\n{pages[page - 1].strip()}"
