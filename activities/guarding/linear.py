"""Patterns that take time in proportion to a text's length, whatever the text is: RE2's."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, cast

import re2  # pyright: ignore[reportMissingTypeStubs]

_MEMORY = 64 << 20  # bytes for a pattern's automaton


class Match(Protocol):
    """What a pattern found; `found[0]` is its text."""

    def __getitem__(self, group: int) -> str:
        """Return a group's text."""
        ...

    def span(self) -> tuple[int, int]:
        """Return where it is, in characters."""
        ...


class Pattern(Protocol):
    """A compiled pattern."""

    def search(self, text: str) -> Match | None:
        """Return the first match."""
        ...

    def finditer(self, text: str) -> Iterator[Match]:
        """Return all matches, from left to right."""
        ...


def linear(patterns: Iterable[str], *, any_case: bool = True) -> Pattern:
    """Return one pattern for all of `patterns`; `^` and `$` stand for a line's ends."""
    library = cast("Any", re2)
    options = library.Options()
    options.case_sensitive = not any_case
    options.max_mem = _MEMORY
    options.log_errors = False
    found: Pattern = library.compile("(?m)" + "|".join(f"(?:{each})" for each in patterns), options)
    return found
