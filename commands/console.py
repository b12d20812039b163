"""Where a command speaks: results on stdout, everything else on stderr."""

import json
import sys
from functools import cache
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from commands.errors import Exit

# A pipe has no width; rich would assume 80 columns and cut what a script wants to read.
_PIPE_WIDTH = 160


# What a model or a person wrote must not move the cursor or colour the screen.
_CONTROLS = dict.fromkeys(
    ({*range(32), *range(127, 160)} - {ord("\n"), ord("\t")}), "\N{REPLACEMENT CHARACTER}"
)


def safe(text: str) -> str:
    """Return `text` so that a terminal shows it and obeys nothing in it."""
    return escape(text.translate(_CONTROLS))


@cache  # one a stream: a live display and a note on the same terminal must know of each other
def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(stderr=stderr, width=width, highlight=False)


def out() -> Console:
    """Return the console for results."""
    return _console(stderr=False)


def err() -> Console:
    """Return the console for progress, hints and errors."""
    return _console(stderr=True)


def note(text: str) -> None:
    """Say something that is no result. `text` is shown as it is."""
    err().print(safe(text), soft_wrap=True, style="dim")


def warn(text: str) -> None:
    """Say something that a person should act on. `text` is shown as it is."""
    err().print(f"[yellow]![/] {safe(text)}", soft_wrap=True)


def emit(value: Any) -> None:
    """Print `value` as one JSON document, at once: whoever reads a pipe of `up` waits for it."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n")
    sys.stdout.flush()


def fail(text: str, code: Exit, *, as_json: bool) -> None:
    """Say why the command failed; for a machine also on stdout."""
    style = "yellow" if code is Exit.WAITS else "red"
    word = "waits" if code is Exit.WAITS else "error"
    err().print(f"[bold {style}]{word}[/]: {safe(text)}", soft_wrap=True)
    if as_json:
        emit({"error": text, "exit_code": int(code)})


def table(*columns: str, title: str = "", right: tuple[str, ...] = ()) -> Table:
    """Return an empty table in the house's look; columns in `right` are flush right."""
    made = Table(title=title or None, title_justify="left", title_style="bold", box=None)
    made.header_style = "dim"
    made.pad_edge = False
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return made


def plain(value: BaseModel) -> dict[str, Any]:
    """Return a contract as JSON types."""
    return value.model_dump(mode="json")


def _plain(value: object) -> object:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)
