"""What the arguments of a call must be: ranges, forms, allowed values, whose addresses."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

from pydantic import field_validator

from domain.contract import Contract, canonical

_MOST_MATCHED: Final = 256  # characters of a value that a pattern looks at
# With more of them, or with a group that repeats, a pattern could take seconds for one value.
_MOST_OPEN: Final = 2
_MOST_REPEATS: Final = 6
_PLAIN: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]")  # escapes and classes, to leave out
_REPEAT: Final = re.compile(r"[*+]|\{\d*(?:,(\d*))?\}")
_BOUNDED: Final = 64
_MAIL: Final = re.compile(r"[^\s@<>]{1,200}@([^\s@<>]{1,200})")


class ArgumentRule(Contract):
    """What an argument of a tool must be; one that is not there is not looked at.

    Attributes:
        tool: Name of the tool.
        argument: Its argument; `/` leads into objects, `*` stands for each item of a list.
        at_least: Smallest number.
        at_most: Largest number.
        longest: Most characters, or items of a list.
        among: The values that are allowed.
        pattern: Regular expression that the whole text must fit. No group may
            repeat, and two open repeats are the most, so that none takes long.
        domains: For addresses of mail and the web: whose they must be; subdomains count.
    """

    tool: str
    argument: str
    at_least: float | None = None
    at_most: float | None = None
    longest: int | None = None
    among: tuple[Any, ...] = ()
    pattern: str = ""
    domains: tuple[str, ...] = ()

    @field_validator("pattern")
    @classmethod
    def _checked(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"pattern {pattern!r} is no regular expression: {error}") from None
        if not _is_quick(pattern):
            raise ValueError(
                f"pattern {pattern!r} could take very long: repeat no group, and use bounded "
                "repeats like [a-z]{1,20}"
            )
        return pattern

    def broken_by(self, arguments: Mapping[str, Any]) -> str:
        """Return what is wrong with a call's arguments; nothing where they keep the rule."""
        for value in _at(arguments, self.argument.split("/")):
            if wrong := self._wrong(value):
                return f"{self.argument} is {_short(value)}: {wrong}"
        return ""

    def _wrong(self, value: Any) -> str:
        return (
            self._wrong_number(value)
            or self._wrong_size(value)
            or self._wrong_text(value)
            or self._wrong_address(value)
        )

    def _wrong_number(self, value: Any) -> str:
        if self.at_least is None and self.at_most is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "a number is expected"
        if self.at_least is not None and value < self.at_least:
            return f"at least {self.at_least:g} is allowed"
        if self.at_most is not None and value > self.at_most:
            return f"at most {self.at_most:g} is allowed"
        return ""

    def _wrong_size(self, value: Any) -> str:
        if self.longest is None or not isinstance(value, str | list | dict):
            return ""
        size = len(cast("str | list[Any]", value))
        return f"it has {size} parts, {self.longest} are allowed" if size > self.longest else ""

    def _wrong_text(self, value: Any) -> str:
        if self.among and not any(value == each for each in self.among):
            return f"allowed are {', '.join(map(str, self.among))[:200]}"
        if not self.pattern:
            return ""
        text = value if isinstance(value, str) else str(value)
        if len(text) > _MOST_MATCHED or not re.fullmatch(self.pattern, text):
            return f"it does not fit the form {self.pattern}"
        return ""

    def _wrong_address(self, value: Any) -> str:
        if not self.domains:
            return ""
        hosts = hosts_in(value) if isinstance(value, str) else []
        if not hosts:
            return "an address is expected"
        foreign = [host for host in hosts if not _belongs(host, self.domains)]
        return f"{foreign[0]} is not of {', '.join(self.domains)}" if foreign else ""


def _is_quick(pattern: str) -> bool:
    """Whether a pattern takes about no time for any value that it is given."""
    plain = _PLAIN.sub("x", pattern)
    repeats = [found[0] for found in _REPEAT.finditer(plain)]
    grouped = re.search(r"\)[*+{]", plain) or re.search(r"\\[1-9]|\(\?P=", pattern)
    return (
        not grouped
        and len(repeats) <= _MOST_REPEATS
        and sum(_is_open(repeat) for repeat in repeats) <= _MOST_OPEN
    )


def _is_open(repeat: str) -> bool:
    most = repeat.strip("{}").rpartition(",")[2]
    return not most.isdigit() or int(most) > _BOUNDED


def hosts_in(text: str) -> list[str]:
    """Return the hosts of the addresses in a text: of mail, or of the web."""
    found = [host.rstrip(".").lower() for host in _MAIL.findall(text[:10_000])]
    if "://" not in text:
        return found
    for word in text.split():
        if "://" in word:
            try:
                found.append((urlsplit(word).hostname or "").rstrip(".").lower())
            except ValueError:
                found.append("")
    return found


def _belongs(host: str, domains: Iterable[str]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _at(value: Any, path: list[str]) -> list[Any]:
    """Return what lies at `path` inside arguments; nothing where there is nothing."""
    if not path:
        return [value]
    if path[0] == "*":
        items = cast("list[Any]", value) if isinstance(value, list) else []
        return [found for item in items for found in _at(item, path[1:])]
    fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return _at(fields[path[0]], path[1:]) if path[0] in fields else []


def _short(value: Any) -> str:
    return canonical(value).decode("utf-8", "replace")[:80]
