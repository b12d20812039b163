"""Finding the agents: every folder here whose `spec.py` has an `AGENT`."""

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from agents.artifacts import read_artifact
from agents.memory import remembering
from agents.rules import problems
from agents.selfchecks.declared import kept
from agents.toolkit import NAME, Agent, Tool
from domain.tools import Effect, ToolSpec


class RegistryError(ValueError):
    """Agents that cannot be served together; raised when a worker starts."""


@cache
def agents() -> dict[str, Agent]:
    """Return every agent by its name.

    Raises:
        RegistryError: A folder is not an agent, or two tools share a name.
    """
    found = [_load(path.parent.name) for path in sorted(Path(__file__).parent.glob("*/spec.py"))]
    named = {agent.name: agent for agent in found}
    tools(found)  # a clash is found here, at start, not at a run's first call
    check_agents(named)
    return named


def tools(of: Iterable[Agent] | None = None) -> dict[str, Tool]:
    """Return every tool by its name. Agents may share a tool, not a name.

    Raises:
        RegistryError: Two tools have one name, or one refers to a tool that is not there.
    """
    named: dict[str, Tool] = {}
    for agent in agents().values() if of is None else of:
        for tool in (*agent.tools, *agent.workflow_tools):
            if named.setdefault(tool.spec.name, tool) is not tool:
                raise RegistryError(
                    f"agent {agent.name!r}: another tool is called {tool.spec.name!r} already; "
                    "an activity has one function, so rename one of the two"
                )
    for tool in named.values():
        _check_references(tool, named)
    return named


def check_agents(found: Mapping[str, Agent]) -> None:
    """Refuse a tool or a rule that names what is not there.

    Raises:
        RegistryError: A tool stands for an agent, or a rule asks for a tool or an argument, that
            the agents do not have.
    """
    for agent in found.values():
        try:
            kept(agent)
        except ValueError as error:
            raise RegistryError(str(error)) from None
        if wrong := problems(agent.rules, _in_reach(agent, found)):
            raise RegistryError(f"agent {agent.name!r}: {'; '.join(wrong)}")
        for tool in agent.tools:
            if tool.spec.agent and tool.spec.agent not in found:
                raise RegistryError(
                    f"agent {agent.name!r}: tool {tool.spec.name!r} asks the agent "
                    f"{tool.spec.agent!r}, which is not there; agents are {sorted(found)}"
                )


def unchecked(found: Iterable[Tool]) -> list[str]:
    """Return the tools whose effect cannot be undone, and that nothing looks at once more."""
    specs = sorted({tool.spec.name: tool.spec for tool in found}.items())
    return [
        name for name, spec in specs if spec.effect is Effect.IRREVERSIBLE and not spec.second_check
    ]


def _in_reach(agent: Agent, found: Mapping[str, Agent]) -> dict[str, ToolSpec]:
    """Return the tools that a run of `agent` may call, itself or through other agents."""
    reached, left, seen = dict[str, ToolSpec](), [agent], {agent.name}
    while left:
        for tool in left.pop().tools:
            reached[tool.spec.name] = tool.spec
            if tool.spec.agent in found and tool.spec.agent not in seen:
                seen.add(tool.spec.agent)
                left.append(found[tool.spec.agent])
    return reached


def _check_references(tool: Tool, named: dict[str, Tool]) -> None:
    fallback = tool.spec.fallback
    for role, name in (("fallback", fallback), ("compensate", tool.spec.compensation)):
        if name and name not in named and not (role == "fallback" and name in {"flag", "stop"}):
            raise RegistryError(
                f"tool {tool.spec.name!r}: {role} names {name!r}, which no agent has; "
                f"tools are {sorted(named)}"
            )


def _load(folder: str) -> Agent:
    agent = getattr(importlib.import_module(f"agents.{folder}.spec"), "AGENT", None)
    if not isinstance(agent, Agent):
        raise RegistryError(f"agents/{folder}/spec.py must define AGENT = Agent(...)")
    if agent.name != folder or not NAME.fullmatch(folder):
        raise RegistryError(
            f"agents/{folder}: the folder and AGENT.name ({agent.name!r}) must be the same, "
            "in lower case letters, digits and underscores"
        )
    agent = remembering(agent)
    # Any tool's result may be cut, so whoever has tools can read on.
    return replace(agent, tools=[*agent.tools, read_artifact]) if agent.tools else agent
