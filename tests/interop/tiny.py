"""What tests need of the small server: its configuration, its pins, and what it noted."""

import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.interop.declared import Declared
from agents.interop.pins import Pin, Pins
from runtime.mcp_sessions import McpSessions, mcp_sessions

PROGRAM = Path(__file__).with_name("tiny_server.py")


@dataclass
class Tiny:
    """The small server of one test.

    Attributes:
        folder: Where it notes what it does.
        tools: What is declared of its tools.
        server: Other settings of it.
    """

    folder: Path
    tools: dict[str, dict[str, Any]]
    server: dict[str, Any]

    def declared(self) -> Declared:
        """Return the configuration."""
        entry = {
            "command": sys.executable,
            "args": [str(PROGRAM), str(self.folder)],
            "agents": ["tester"],
            "tools": self.tools,
            "timeout_s": 20,
            **self.server,
        }
        return Declared.model_validate({"servers": {"tiny": entry}})

    @asynccontextmanager
    async def sessions(self) -> AsyncGenerator[McpSessions]:
        """Yield sessions with it."""
        async with mcp_sessions(self.declared(), self.folder) as sessions:
            yield sessions

    def describe(self, **tools: dict[str, Any] | None) -> None:
        """Let it say something else of its tools from now on; None takes one away."""
        (self.folder / "described.json").write_text(json.dumps(tools))

    def noted(self, tool: str = "") -> list[dict[str, Any]]:
        """Return what it noted of a tool's calls; of its starts where none is named."""
        file = self.folder / "done.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [note for line in lines if (note := json.loads(line))["tool"] == tool]

    async def pins(self, sessions: McpSessions) -> Pins:
        """Return pins of what it says now."""
        return Pins(servers={"tiny": tuple(await sessions.listing("tiny"))})


def tiny(folder: Path, tools: dict[str, dict[str, Any]] | None = None, **server: Any) -> Tiny:
    """Return a small server with a folder of its own."""
    usual: dict[str, dict[str, Any]] = {"look": {"effect": "read"}, "put": {"effect": "write"}}
    return Tiny(folder, usual if tools is None else tools, server)


async def pin(sessions: McpSessions, name: str) -> Pin:
    """Return what the server says of one tool now."""
    return next(tool for tool in await sessions.listing("tiny") if tool.name == name)
