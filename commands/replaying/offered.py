"""What the workers of this checkout would serve, against what a run was started with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agents.registry import agents, tools
from agents.toolkit import Agent
from domain.spec import AgentSpec
from domain.tools import ToolSpec
from runtime.lent_tools import as_pinned
from runtime.settings import Settings
from workflows import WORKFLOWS


@dataclass(frozen=True)
class Offer:
    """Workflows, agents and tools, by name."""

    agents: Mapping[str, Agent]
    tools: Mapping[str, ToolSpec]
    workflows: frozenset[str]

    @classmethod
    def of(cls, settings: Settings) -> "Offer":
        """Return what a worker with `settings` would serve.

        Raises:
            RegistryError: The agents of this checkout cannot be served together.
            McpConfigError: The file of servers, or the pins, cannot be used.
        """
        served = as_pinned(settings, agents())
        specs = {name: tool.spec for name, tool in tools(served.values()).items()}
        return cls(served, specs, frozenset(each.__name__ for each in WORKFLOWS))

    def changes(self, specs: Iterable[AgentSpec]) -> tuple[str, ...]:
        """Return what is no longer there as a run knows it, a sentence each.

        Prompts, limits and policies are not compared: a run keeps those it was started with.
        """
        said = (
            f"{spec.name}: {wrong}"
            for spec in specs
            for tool in (*spec.tools, *spec.workflow_tools)
            if (wrong := self._wrong(tool))
        )
        return tuple(dict.fromkeys(said))

    def _wrong(self, tool: ToolSpec) -> str:
        if tool.agent:
            here = tool.agent in self.agents
            return (
                "" if here else f"tool {tool.name!r} asks the agent {tool.agent!r}, which is gone"
            )
        now = self.tools.get(tool.name)
        if now is None:
            return f"tool {tool.name!r} is gone"
        if now.schema_hash == tool.schema_hash:
            return ""
        return f"tool {tool.name!r} has changed: {_difference(tool, now)}"


def _difference(old: ToolSpec, new: ToolSpec) -> str:
    """Return what has changed in what a call of a tool means."""
    if old.effect != new.effect:
        return f"its effect was {old.effect.value!r} and is {new.effect.value!r}"
    had, has = old.parameters.get("properties", {}), new.parameters.get("properties", {})
    said = [f"argument {name!r} is gone" for name in had if name not in has]
    said += [f"argument {name!r} is new" for name in has if name not in had]
    said += [
        f"argument {name!r} is another" for name in had if has.get(name, had[name]) != had[name]
    ]
    must = set(new.parameters.get("required", ())) - set(old.parameters.get("required", ()))
    said += [f"argument {name!r} must be given now" for name in sorted(must & had.keys())]
    return ", ".join(said) or "its schema"
