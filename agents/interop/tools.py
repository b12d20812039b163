"""Pinned tools as ordinary ones: named, strict, with their declared effect, handed to agents."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from pydantic import RootModel, TypeAdapter

from agents.artifacts import read_artifact
from agents.interop.declared import Declared, DeclaredServer
from agents.interop.pins import MOST_TEXT, PIN, Pin, Pins, unusable
from agents.toolkit import Agent, Tool, ToolContext
from domain.contract import digest
from domain.tools import ToolSpec

_MOST_NAME: Final = 64
_COMPOSED: Final = frozenset(
    {"additionalProperties", "unevaluatedProperties", "allOf", "anyOf", "oneOf", "$ref", "if"}
)


class Caller(Protocol):
    """Who has the connections to the servers; see runtime/mcp_sessions.py."""

    async def call(
        self,
        server: str,
        tool: Pin,
        arguments: dict[str, Any],
        *,
        key: str,
        writes: bool,
        timeout_s: float,
    ) -> str:
        """Call a tool and return its result as text.

        Args:
            server: Name of the server.
            tool: What was pinned; a server that describes it otherwise now is not called.
            arguments: Checked against the pinned schema.
            key: Idempotency key of the call.
            writes: It changes something: nothing may be sent to a server that may be gone.
            timeout_s: Seconds for the answer.

        Raises:
            ToolError: The tool refuses.
            ToolUnavailableError: Nothing was sent.
            ToolChangedError: It is no longer what was pinned; nothing was sent.
            ConnectionError: The request was sent and no answer came.
            TimeoutError: The same, after `timeout_s`.
        """
        ...


class Arguments(RootModel[dict[str, Any]]):
    """Whatever the pinned schema allows; it was checked before the call."""


@dataclass(frozen=True)
class Equipped:
    """Agents with the tools that servers lend them.

    Attributes:
        names: The tools' names here, by server and the server's own name.
        problems: What was left out and why, a sentence each.
    """

    agents: dict[str, Agent]
    names: Mapping[tuple[str, str], str]
    problems: tuple[str, ...] = ()


def equipped(
    agents: Mapping[str, Agent], declared: Declared, pins: Pins, caller: Caller
) -> Equipped:
    """Return the agents with the pinned tools that they are declared to get.

    What cannot be offered is left out and named: it must not keep others from being served.
    """
    taken = {
        tool.spec.name for each in agents.values() for tool in (*each.tools, *each.workflow_tools)
    }
    more: dict[str, list[Tool]] = {name: [] for name in agents}
    names: dict[tuple[str, str], str] = {}
    problems: list[str] = []
    for server, entry in declared.servers.items():
        pinned = pins.of(server)
        problems += _oddities(server, entry, pinned, agents)
        for tool, pin in _usable(
            server, entry, pinned or (), caller, taken=taken, problems=problems
        ):
            names[server, pin.name] = tool.spec.name
            taken.add(tool.spec.name)
            for agent in entry.agents_of(pin.name):
                if agent in more:
                    more[agent].append(tool)
    return Equipped(
        {name: _with(agent, more[name]) for name, agent in agents.items()}, names, tuple(problems)
    )


def _with(agent: Agent, tools: list[Tool]) -> Agent:
    if not tools:
        return agent
    # Any tool's result may be cut, so whoever has tools can read on.
    own = [*agent.tools] if agent.tools else [read_artifact]
    return replace(agent, tools=[*own, *tools])


def _oddities(
    server: str, entry: DeclaredServer, pinned: tuple[Pin, ...] | None, agents: Mapping[str, Agent]
) -> list[str]:
    if pinned is None:
        return [f"MCP server {server!r} is not pinned, so its tools are not offered: {PIN}"]
    known = {pin.name for pin in pinned}
    said = {*entry.tools, *(entry.offer or ())}
    wanted = {*entry.agents, *(a for tool in entry.tools.values() for a in tool.agents or ())}
    return [
        f"MCP server {server!r} has no pinned tool {name!r}; there are {sorted(known)}"
        for name in sorted(said - known)
    ] + [
        f"MCP server {server!r} names the agent {name!r}; there are {sorted(agents)}"
        for name in sorted(wanted - agents.keys())
    ]


def _usable(
    server: str,
    entry: DeclaredServer,
    pinned: Iterable[Pin],
    caller: Caller,
    *,
    taken: set[str],
    problems: list[str],
) -> list[tuple[Tool, Pin]]:
    found: list[tuple[Tool, Pin]] = []
    offered = [pin for pin in pinned if entry.offers(pin.name)]
    for pin, name in zip(offered, named(server, offered), strict=True):
        reason = unusable(pin)
        if name in taken:
            reason = f"another tool is called {name!r} already; rename the server"
        if reason:
            problems.append(f"MCP tool {pin.name!r} of {server!r} is not offered: {reason}")
        else:
            found.append((_tool(server, entry, pin, name, caller), pin))
    return found


def named(server: str, pins: Iterable[Pin]) -> list[str]:
    """Return the tools' names here: `<server>_<tool>`, in what every provider takes.

    Lower case letters, digits and underscores, 64 at most. Where two would be called the same,
    or one is cut, a hash of the server's own name tells them apart.
    """
    pins = list(pins)
    plain = [f"{server}_{re.sub(r'[^a-z0-9]+', '_', pin.name.lower()).strip('_')}" for pin in pins]
    often = Counter(plain)
    return [
        name
        if often[name] == 1 and len(name) <= _MOST_NAME
        else f"{name[: _MOST_NAME - 7]}_{digest(pin.name, length=6)}"
        for name, pin in zip(plain, pins, strict=True)
    ]


def _tool(server: str, entry: DeclaredServer, pin: Pin, name: str, caller: Caller) -> Tool:
    declared = entry.tool(pin.name)
    timeout_s = declared.timeout_s or entry.timeout_s
    spec = ToolSpec(
        name=name,
        description=_short(pin.description) or f"{pin.name} of the MCP server {server}",
        parameters=strict(pin.parameters, hidden=declared.key_argument),
        effect=declared.effect,
        # The server has `timeout_s` for its answer, after `connect_s` to be there; and one more,
        # so that the call ends by its own limit, which says more.
        timeout_s=timeout_s + entry.connect_s + 1,
        attempts=declared.attempts,
        idempotent=declared.idempotent,
        fallback=declared.fallback,
        result_bytes=declared.result_bytes,
        polling=declared.polling,
        queue=f"tool.{name}" if declared.rate_per_second else "",
        rate_per_second=declared.rate_per_second,
        source=declared.source,
    )

    async def run(root: dict[str, Any], context: ToolContext) -> str:
        own = {declared.key_argument: context.key} if declared.key_argument else {}
        return await caller.call(
            server,
            pin,
            root | own,
            key=context.key,
            writes=spec.writes,
            timeout_s=timeout_s,
        )

    return Tool(spec, run, Arguments, "context", TypeAdapter(str))


def _short(text: str) -> str:
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"


def strict(parameters: dict[str, Any], hidden: str = "") -> dict[str, Any]:
    """Return a server's schema as strict as our own: unknown arguments are refused.

    A schema that says something of unknown arguments, or is put together of several, is left
    as it is: there the server's word decides.

    Args:
        parameters: The server's schema.
        hidden: An argument that is set for the model, which is therefore not told of it.
    """
    made = dict(parameters)
    if hidden:
        properties: dict[str, Any] = dict(made.get("properties") or {})
        properties.pop(hidden, None)
        made["properties"] = properties
        made["required"] = [name for name in made.get("required") or () if name != hidden]
    if not _COMPOSED & made.keys():
        made["additionalProperties"] = False
    made.setdefault("properties", {})
    return made
