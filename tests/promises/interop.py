"""What the part that meets other programs promises: MCP tools, the MCP server, A2A."""

from typing import Final

from tests.promises import Requirement

_MCP: Final = "Interoperation: tools of MCP servers"
_SERVER: Final = "Interoperation: Holdfast as an MCP server"
_A2A: Final = "Interoperation: A2A"

PROMISES: Final[dict[str, Requirement]] = {
    "C4.8:config": Requirement(
        "The file of servers is checked when a process starts, and says what is wrong.", _MCP
    ),
    "C4.8:session": Requirement(
        "A worker has one session with a server, and closes it in order.", _MCP
    ),
    "C4.8:dies": Requirement(
        "A server that dies is started again; a write is sent to one that has just answered.", _MCP
    ),
    "C4.8:errors": Requirement(
        "A tool's own error is told; a call without an answer is not known to have happened.", _MCP
    ),
    "C4.8:pins": Requirement(
        "A model reads what was pinned, and a tool that is no longer that is not called.", _MCP
    ),
    "C4.8:not-there": Requirement(
        "A server that is not there is named with the reason, and keeps no agent waiting.", _MCP
    ),
    "C4.8:secrets": Requirement(
        "A server gets the variables that are named, and their values stay with it.", _MCP
    ),
    "C4.8:mcp-tools": Requirement(
        "A server's tool is an ordinary one: prefixed name, strict schema, activity of its own.",
        _MCP,
    ),
    "C4.8:effects": Requirement(
        "A tool's effect is what a person declared; undeclared, it is irreversible.", _MCP
    ),
    "C4.8:results": Requirement("A server's result is cut as any tool's is.", _MCP),
    "C4.8:http": Requirement("A server at an address is called as a program is.", _MCP),
}
