"""`mcp serve`: the MCP server on stdin and stdout, for a program that starts it."""

import sys
from typing import TYPE_CHECKING, Any

import typer

from commands import console, options
from commands.doors import Door
from commands.errors import Exit
from commands.guard import guarded
from commands.mcp import check
from commands.session import session, whoami
from runtime import logs
from runtime.settings import Settings

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context


async def serve(*, tenant: options.Tenant = "default", by: options.By = "") -> Exit:
    """Be an MCP server on stdin and stdout: start runs, tell their status and result.

    A program starts this, for example: {"command": "python", "args": ["starter.py", "mcp"]}. What
    a run asks cannot be answered through it.
    """
    # The SDK takes a second to load, which no other command shall pay.
    from commands.mcp_server import server  # noqa: PLC0415

    settings = Settings.load()
    logs.configure(settings)
    if sys.stdin.isatty():
        console.note("an MCP server on stdin and stdout, for a program to start; Ctrl-D ends it")
    async with session(settings) as opened:
        own = Door(opened, tenant, by or whoami())

        async def door(_: "Context[Any, Any]") -> Door:
            return own

        await server(door).run_stdio_async()
    return Exit.OK


def group() -> typer.Typer:
    """Return `mcp`, which alone on the line serves: that is what MCP clients start."""
    made = typer.Typer(
        help="Serve MCP clients; look at the MCP servers whose tools agents get.",
        invoke_without_command=True,
    )

    @made.callback()
    def alone(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            guarded(serve)()

    made.command("serve")(guarded(serve))
    made.command("check")(guarded(check))
    return made
