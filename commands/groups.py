"""Commands that have commands below them."""

from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperGroup

from commands.guard import guarded


class StartFirst(TyperGroup):
    """Takes what is no command's name for what its `start` is given: `batch DIR`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `start` before anything else than a command or a call for help."""
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["start", *args]
        return super().parse_args(ctx, args)


class ListFirst(TyperGroup):
    """Takes what is no command for its `list`: `breakers`, `deploys`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `list` before options, and where there is nothing."""
        if not args or (args[0].startswith("-") and args[0] != "--help"):
            args = ["list", *args]
        return super().parse_args(ctx, args)


def group(about: str, commands: Mapping[str, Any]) -> typer.Typer:
    """Return a command that is nothing without one of `commands`.

    Args:
        about: What it is for, in one line.
        commands: By name, in the order in which they are listed.
    """
    made = typer.Typer(help=about, no_args_is_help=True)
    for name, command in commands.items():
        made.command(name)(guarded(command))
    return made
