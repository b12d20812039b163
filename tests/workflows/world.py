"""Tools with effects in a small world, so that tests see what happened to it."""

from dataclasses import dataclass, field
from typing import Any

from agents.toolkit import Tool, ToolContext, ToolError, tool


@dataclass
class World:
    """What the tools of one test do to the world.

    Attributes:
        kept: What was written, by key; a second write under a key changes nothing.
        done: Every attempt at an effect, in order: name and argument.
        keys: The idempotency key of each attempt.
    """

    kept: dict[str, str] = field(default_factory=dict[str, str])
    done: list[str] = field(default_factory=list[str])
    keys: list[str] = field(default_factory=list[str])

    def note(self, context: ToolContext, what: str) -> None:
        """Write down an attempt."""
        self.done.append(what)
        self.keys.append(context.key)
        self.kept.setdefault(context.key, what)


def reading(answers: dict[str, Any] | None = None) -> Tool:
    """Return the tool `lookup`, which knows `answers`; an exception among them is raised."""
    known = answers or {}

    @tool(effect="read", attempts=2)
    async def lookup(key: str) -> str:
        """Look a key up.

        Args:
            key: What to look up.
        """
        found = known.get(key, f"value of {key}")
        if isinstance(found, BaseException):
            raise found
        return found

    return lookup


def writing(world: World, name: str = "put", **declared: Any) -> Tool:
    """Return a write tool called `name` that notes its argument in `world`."""

    async def write(context: ToolContext, item: str) -> str:
        """Put an item.

        Args:
            context: Of the call.
            item: What to put.
        """
        world.note(context, f"{name} {item}")
        if item == "refused":
            raise ToolError("there is no room")
        return f"{name} {item}: done"

    write.__name__ = name
    told: dict[str, Any] = {"effect": "write"} | declared
    return tool(**told)(write)
