"""What an agent may be told, may do and may say: its guardrails, as data that a run keeps.

The author's `Agent` has them on. A spec without them, as runs of before have, guards nothing.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import Field

from domain.arguments import ArgumentRule
from domain.contract import Contract
from domain.tools import Effect, ToolSpec

__all__ = ["ArgumentRule", "Asker", "GuardPolicy", "Guarded", "Privilege", "Spill"]

_T = TypeVar("_T")
Spill = Literal["off", "redact", "refuse", "ask"]


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

    def within(self, other: "Privilege") -> "Privilege":
        """Return what both leave."""
        return Privilege(
            tools=_both(self.tools, other.tools),
            without=(*self.without, *other.without),
            effects=_both(self.effects, other.effects),
        )

    def refuses(self, tool: ToolSpec) -> str:
        """Return why a tool may not be used; nothing where it may."""
        if tool.source == "kept":
            return ""  # it shows nothing that was not shown already
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


def _both(one: tuple[_T, ...] | None, other: tuple[_T, ...] | None) -> tuple[_T, ...] | None:
    if one is None or other is None:
        return other if one is None else one
    return tuple(each for each in one if each in other)
