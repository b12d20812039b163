"""What an agent may be told, may do and may say: its guardrails, as data that a run keeps.

The author's `Agent` has them on. A spec without them, as runs of before have, guards nothing.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, cast
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from domain.contract import Contract, canonical
from domain.tools import Effect, ToolSpec

Spill = Literal["off", "redact", "refuse", "ask"]

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


class Privilege(Contract):
    """Which of its tools an agent may use for a tenant; what is not named is not restricted.

    Attributes:
        tools: The tools that are left; None for all.
        without: Tools that are taken away.
        effects: The effects that are left.
    """

    tools: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    effects: tuple[Effect, ...] | None = None

    def refuses(self, tool: ToolSpec) -> str:
        """Return why a tool may not be used; nothing where it may."""
        if self.tools is not None and tool.name not in self.tools:
            return f"{tool.name} is not among the tools that this tenant has"
        if tool.name in self.without:
            return f"{tool.name} is taken from this tenant"
        if self.effects is not None and tool.effect not in self.effects:
            return f"{tool.name} would {tool.effect.value}, and this tenant's runs may not"
        return ""


class Asker(Contract):
    """Who asks for a run, for checks of what they may touch.

    Attributes:
        by: As they claim.
        data: The run's inputs.
    """

    agent: str
    tenant: str
    by: str
    task: str
    data: dict[str, str] = Field(default_factory=dict)


class Guarded(Contract):
    """What a guard found in a call or an answer: why it does not pass, or not without a person.

    Attributes:
        by: `secrets`, `personal` or `identifiers`.
        hint: What the model can do instead.
        removed: What was taken out of it; it passes without.
    """

    by: str
    refuse: str = ""
    ask: str = ""
    hint: str = ""
    removed: str = ""


class GuardPolicy(Contract):
    """The guardrails of an agent.

    Attributes:
        taint: After content from outside was read every write needs a person, whatever is
            declared or stands otherwise.
        tainted_writes_allowed: Writes that go on as declared all the same. Name only those that
            can harm nobody whatever their arguments are, for example edits of a working copy.
        task_source: Whether the task's own text is a stranger's, as a customer's ticket is.
        injection: What becomes of a result that addresses the model: it is shown with a warning,
            withheld, or not looked for.
        injected_task: What becomes of a task that does: the run is tainted, or refused.
        most_task_bytes: UTF-8 bytes of a task.
        topics: Words of which a task must have one; none for any task.
        identifiers: Names of the agent's checks of what a requester may touch; they look at the
            task, at the run's data and at the arguments of each call.
        arguments: Rules over the arguments of calls.
        secrets: What becomes of keys, tokens and passwords in answers and in the arguments of
            writes. A redacted argument runs without them.
        personal: The same for mail addresses, telephone, account and card numbers.
        personal_kinds: Which of those.
        privilege: What this run's tenant may use; set when the run resolves its agent.
    """

    taint: bool = True
    tainted_writes_allowed: tuple[str, ...] = ()
    task_source: Literal["ours", "outside"] = "ours"
    injection: Literal["off", "warn", "withhold"] = "warn"
    injected_task: Literal["off", "taint", "refuse"] = "taint"
    most_task_bytes: int = 200_000
    topics: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    arguments: tuple[ArgumentRule, ...] = ()
    secrets: Spill = "refuse"
    personal: Spill = "off"
    personal_kinds: tuple[Literal["email", "phone", "iban", "card"], ...] = (
        "email",
        "phone",
        "iban",
        "card",
    )
    privilege: Privilege | None = Field(default=None)

    def broken(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """Return which argument rule a call breaks first, in words; nothing where none."""
        for rule in self.arguments:
            if rule.tool == tool and (wrong := rule.broken_by(arguments)):
                return wrong
        return ""

    def off_topic(self, task: str) -> str:
        """Return why a task is out of scope; nothing where it is in."""
        low = task.casefold()
        if not self.topics or any(topic.casefold() in low for topic in self.topics):
            return ""
        return f"the task is about none of what this agent is for: {', '.join(self.topics)}"


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
