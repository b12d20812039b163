"""The extracting agent's one tool: reading on in its own document, and in no other."""

from typing import Annotated, Final

from pydantic import Field

from agents.toolkit import ToolContext, ToolError, tool

PAGE: Final = 24_000
"""Bytes of one page."""


@tool(effect="read", source="outside", timeout=30, result_bytes=PAGE + 200)
async def read_document(context: ToolContext, offset: Annotated[int, Field(ge=0)]) -> str:
    """Read on in the document, where the task shows its beginning only.

    Args:
        context: Names the document; the model cannot choose another one.
        offset: The byte to go on from.
    """
    reference = context.data.get("document", "")
    content = await context.artifact(reference) if context.artifact and reference else None
    if content is None:
        raise ToolError("the document is not kept any more; answer with what you have read")
    if offset >= len(content):
        raise ToolError(f"offset {offset}: the document has {len(content)} bytes")
    page = content[offset : offset + PAGE].decode("utf-8", "ignore")
    return page if offset + PAGE >= len(content) else f"{page}\n[more from offset {offset + PAGE}]"
