"""The tool that every agent with tools has: paging through a result that was cut."""

from typing import Annotated

from pydantic import Field

from agents.toolkit import ToolContext, ToolError, tool

PAGE = 12_000


@tool(effect="read", source="kept", result_bytes=PAGE + 500)
async def read_artifact(
    context: ToolContext, reference: str, offset: Annotated[int, Field(ge=0)] = 0
) -> str:
    """Read on in a result that was cut.

    Args:
        context: Of the call.
        reference: The reference that the cut result ends with.
        offset: The byte to go on from.
    """
    content = await context.artifact(reference) if context.artifact else None
    if content is None:
        raise ToolError(f"reference {reference!r} is not kept; use one that a cut result names")
    page = content[offset : offset + PAGE].decode("utf-8", "ignore")
    end = offset + len(page.encode())
    left = f"\n[{end} of {len(content)} bytes read; go on with offset={end}]"
    return page + (left if end < len(content) else "\n[end]")
