"""Tools with effects in a small world, so that tests see what happened to it."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from agents.toolkit import Tool, ToolContext, ToolError, tool
from domain.spec import ApprovalPolicy

# A person who is awaited for as long as a test takes.
PATIENT = ApprovalPolicy(timeout=timedelta(minutes=5))


@dataclass
class World:
    """What the tools of one test do to the world.

    Attributes:
        kept: What was written, by key; a second write under a key changes nothing.
        done: Every attempt at an effect, in order: name and argument.
        keys: The idempotency key of each attempt.
        of: What each attempt was told that it undoes.
        begun: Set when a write that is told to wait has begun.
        go: Lets it end.
    """

    kept: dict[str, str] = field(default_factory=dict[str, str])
    done: list[str] = field(default_factory=list[str])
    keys: list[str] = field(default_factory=list[str])
    of: list[str] = field(default_factory=list[str])
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, context: ToolContext, what: str) -> None:
        """Write down an attempt."""
        self.done.append(what)
        self.keys.append(context.key)
        self.of.append(context.of)
        self.kept.setdefault(context.key, what)


def reading(answers: dict[str, Any] | None = None, name: str = "lookup", **declared: Any) -> Tool:
    """Return a read tool, which knows `answers`; an exception among them is raised."""
    known = answers or {}

    async def read(key: str) -> str:
        """Look a key up.

        Args:
            key: What to look up.
        """
        found = known.get(key, f"value of {key}")
        if isinstance(found, BaseException):
            raise found
        return found

    read.__name__ = name
    told: dict[str, Any] = {"attempts": 2, "source": "ours"} | declared
    return tool(**told)(read)


def writing(
    world: World,
    name: str = "put",
    *,
    trouble: list[BaseException] | None = None,
    **declared: Any,
) -> Tool:
    """Return a write tool called `name` that notes its argument in `world`.

    Args:
        world: What it changes.
        name: The tool's.
        trouble: Raised by its first calls, one each; `ToolUnavailableError` before the effect,
            anything else after it.
        declared: What `tool` takes.
    """
    left = list(trouble or [])

    async def write(context: ToolContext, item: str) -> str:
        """Put an item.

        Args:
            context: Of the call.
            item: What to put.
        """
        error = left.pop(0) if left else None
        if error is not None and type(error).__name__ == "ToolUnavailableError":
            raise error
        if item == "refused":
            raise ToolError("there is no room")
        world.note(context, f"{name} {item}")
        if item == "slow":
            world.begun.set()
            await world.go.wait()
        if error is not None:
            raise error
        return f"{name} {item}: done"

    write.__name__ = name
    told: dict[str, Any] = {"effect": "write"} | declared
    return tool(**told)(write)
