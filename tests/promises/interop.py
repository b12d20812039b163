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
    "C4.8:check": Requirement(
        "A person sees all that a model would read of a tool, and what has changed, before "
        "pinning it.",
        _MCP,
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
    "C4.8:registry": Requirement(
        "A published server, installed from the registry, is called by an agent.", _MCP
    ),
    "C4.8:crash": Requirement(
        "A worker killed in a server's write repeats nothing and leaves no server behind.", _MCP
    ),
    "C4.8:mcp-server": Requirement(
        "A client starts runs, sees them and gets their result; it can decide nothing.", _SERVER
    ),
    "C4.8:a2a-card": Requirement("Each agent has a card, which needs no token to read.", _A2A),
    "C4.8:a2a-task": Requirement("A message's id stands for one run, which is the task.", _A2A),
    "C4.8:a2a-stream": Requirement("A task's updates are streamed until it ends or asks.", _A2A),
    "C4.8:a2a-person": Requirement(
        "What a run asks is shown as input-required, and no message answers it.", _A2A
    ),
    "C4.8:a2a-cancel": Requirement("A task that is under way can be cancelled.", _A2A),
    "C4.8:a2a-bad": Requirement("What cannot be is an error of the protocol, in words.", _A2A),
    "C4.8:a2a-token": Requirement("A token bounds what its caller may do and see.", _A2A),
    "C4.8:http": Requirement("A server at an address is called as a program is.", _MCP),
}
