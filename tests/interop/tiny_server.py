"""A small MCP server, made with the official package, that does what a test wants to see.

A process on stdin and stdout: `python tiny_server.py FOLDER`. In FOLDER it notes what it does
(`done.jsonl`, a line each) and looks for `described.json`, which changes what it says of its
tools from then on. `--http PORT` serves streamable HTTP instead.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from mcp import types
from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.server.stdio import stdio_server

FOLDER = Path(sys.argv[1])
ITEM = {"type": "object", "properties": {"item": {"type": "string"}}, "required": ["item"]}
Context = ServerRequestContext[Any]


def described() -> dict[str, dict[str, Any]]:
    """Return what the server says of its tools at the moment."""
    keyed = json.loads(json.dumps(ITEM))
    keyed["properties"]["key"] = {"type": "string"}
    keyed["required"] = ["item", "key"]
    tools: dict[str, dict[str, Any]] = {
        "look": {"description": "Look at an item.", "schema": ITEM},
        "put": {"description": "Put an item.", "schema": ITEM},
        "pay": {"description": "Pay for an item.", "schema": keyed},
        "Odd.Name-1": {"description": "Has an odd name.", "schema": {"type": "object"}},
    }
    told = FOLDER / "described.json"
    return tools | (json.loads(told.read_text()) if told.exists() else {})


async def list_tools(_: Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    """List what `described` has; a tool that is null there is gone."""
    return types.ListToolsResult(
        tools=[
            types.Tool(name=name, description=told["description"], input_schema=told["schema"])
            for name, told in described().items()
            if told
        ],
        result_type="complete",
        ttl_ms=0,
        cache_scope="public",
    )


async def call_tool(_: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
    """Do what the item says: answer, fail, be slow, die."""
    arguments = dict(params.arguments or {})
    item = str(arguments.get("item", ""))
    meta: dict[str, Any] = dict(params.meta or {})
    note(tool=params.name, arguments=arguments, key=meta.get("holdfast/idempotency-key"))
    if item.startswith("die"):
        first = FOLDER / f"died-{item}"
        if item != "die-once" or not first.exists():
            first.touch()
            os._exit(7)
    if item.startswith("slow"):
        await asyncio.sleep(30)
    if item == "fail":
        return _said("there is no room", is_error=True)
    if item == "broken":
        raise RuntimeError("a bug in the server")
    if item == "environment":
        return _said(json.dumps(dict(os.environ)))
    if item == "picture":
        picture = types.ImageContent(type="image", data="AAAA", mime_type="image/png")
        return types.CallToolResult(content=[picture], result_type="complete")
    return _said("x" * 3_000 if item == "long" else f"{params.name} {item}: done")


def _said(text: str, *, is_error: bool = False) -> types.CallToolResult:
    content: list[types.ContentBlock] = [types.TextContent(type="text", text=text)]
    return types.CallToolResult(content=content, is_error=is_error, result_type="complete")


def note(**what: Any) -> None:
    """Write down something that happened."""
    with (FOLDER / "done.jsonl").open("a") as file:
        file.write(json.dumps({"pid": os.getpid(), **what}) + "\n")


SERVER: Server[Any] = Server("tiny", on_list_tools=list_tools, on_call_tool=call_tool)


async def main() -> None:
    """Serve until stdin ends."""
    note(tool="", began=True)
    async with stdio_server() as (read, write):
        await SERVER.run(read, write, SERVER.create_initialization_options())


if __name__ == "__main__":
    if "--http" in sys.argv:
        import uvicorn

        app = SERVER.streamable_http_app()
        uvicorn.run(app, port=int(sys.argv[-1]), log_level="warning")
    else:
        asyncio.run(main())
