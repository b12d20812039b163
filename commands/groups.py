"""A command that has commands below it, and begins something where none of them is named."""

from typing import Any

from typer.core import TyperGroup


class StartFirst(TyperGroup):
    """Takes what is no command's name for what its `start` is given: `batch DIR`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `start` before anything else than a command or a call for help."""
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["start", *args]
        return super().parse_args(ctx, args)
