"""The log that rules are judged by: of each call that ran, what some rule asks about it.

It is part of a run's state and does not grow with its turns: calls that no rule names are not in
it, what is there already is not kept twice, and what only counts is folded into one entry.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from pydantic import Field

from domain.contract import Contract, canonical
from domain.rule_values import fields_of, number, read
from domain.rules import (
    AtMost,
    Distinct,
    Needs,
    NeverAfter,
    OnlyIf,
    Owes,
    Pairs,
    Rule,
    Ruled,
    Total,
)
from domain.tools import ToolSpec

MOST_ACTS: Final = 1_000
_KEPT_APART: Final = 50  # of those that are folded, so many newest stay

Values = dict[str, tuple[str, ...]]


class Act(Contract):
    """One call that ran, or may have, or several of them that only count.

    Attributes:
        turn: Of the run, in which it was made; 0 for what was done before it began.
        level: Whose it is: rules of this level and of those above it count it.
        tool: Empty: a run below left no account, so it may have made any call.
        values: Values of the arguments that rules name, by their path.
        said: Values of its result that rules name, by their path.
        times: For how many calls it stands.
        sums: Where it stands for several: sums of their arguments.
        doubt: Whether it happened is not known.
    """

    turn: int
    level: int
    tool: str
    values: Values = Field(default_factory=Values)
    said: Values = Field(default_factory=Values)
    times: int = 1
    sums: dict[str, Decimal] = Field(default_factory=dict[str, Decimal])
    doubt: bool = False


def rules_of(levels: Iterable[Ruled]) -> list[Rule]:
    """Return the rules of all levels."""
    return [rule for level in levels for rule in level.rules]


# --- what is taken down


def act_of(
    rules: Iterable[Rule],
    tool: ToolSpec,
    arguments: Mapping[str, Any],
    *,
    turn: int,
    level: int,
    result: str = "",
    doubt: bool = False,
) -> Act | None:
    """Return what the log keeps of a call; None where no rule asks about it."""
    paths: set[str] = set()
    fields: set[str] = set()
    concerned = False
    for rule in rules:
        if tool.name in _named(rule):
            concerned = True
            paths |= _paths(rule, tool.name)
            if isinstance(rule, OnlyIf) and rule.earlier == tool.name:
                fields.add(rule.field)
    if not concerned:
        return None
    values = {path: found for path in sorted(paths) if (found := read(tool, arguments, path))}
    said = fields_of(result, sorted(fields)) if fields else {}
    return Act(turn=turn, level=level, tool=tool.name, values=values, said=said, doubt=doubt)


def _named(rule: Rule) -> frozenset[str]:
    other = other_of(rule)
    return frozenset((*rule.tools, other) if other else rule.tools)


def other_of(rule: Rule) -> str:
    """Return the tool that a rule's calls are held against; empty for none."""
    if isinstance(rule, Owes):
        return rule.by
    return rule.earlier if isinstance(rule, Needs | NeverAfter | OnlyIf) else ""


def same_of(rule: Rule) -> Pairs:
    """Return the arguments that must be equal in both."""
    return rule.same if isinstance(rule, Needs | NeverAfter | OnlyIf | Owes) else ()


def own_of(rule: Rule) -> set[str]:
    """Return the arguments that a rule asks of its own calls."""
    found = {mine for mine, _ in same_of(rule)}
    if isinstance(rule, AtMost | Total):
        found.add(rule.per)
    if isinstance(rule, Total | Distinct | OnlyIf):
        found.add(rule.argument)
    return found - {""}


def _paths(rule: Rule, tool: str) -> set[str]:
    """Return the arguments of `tool` that the log needs for a rule."""
    found = own_of(rule) if tool in rule.tools else set[str]()
    if tool == other_of(rule):
        found |= {theirs for _, theirs in same_of(rule)}
    return found


# --- keeping it short


def remember(acts: list[Act], act: Act, rules: Sequence[Rule]) -> None:
    """Put `act` behind the log, which stays bounded."""
    if is_full(acts) or _is_known(acts, act, rules):
        return
    acts.append(act)
    if len(acts) > MOST_ACTS and len(acts) % _KEPT_APART == 0:
        acts[:] = _folded(acts, rules)
        if len(acts) > MOST_ACTS:
            _forget(acts, rules)


def _is_known(acts: Sequence[Act], act: Act, rules: Sequence[Rule]) -> bool:
    """Whether the log says already all that `act` says: it was looked at, and is not counted."""
    if act.doubt or _is_counted(act.tool, rules):
        return False
    last = next(
        (
            each
            for each in reversed(acts)
            if each.tool == act.tool and each.level == act.level and each.values == act.values
        ),
        None,
    )
    return last is not None and last.said == act.said


def _is_counted(tool: str, rules: Iterable[Rule]) -> bool:
    """Whether it matters how often, or in which order, `tool` was called."""
    return any(
        tool in rule.tools if isinstance(rule, AtMost | Total) else tool in _named(rule)
        for rule in rules
        if isinstance(rule, AtMost | Total | Owes)
    )


def _folded(acts: Sequence[Act], rules: Sequence[Rule]) -> list[Act]:
    """Return the log with calls that differ in nothing that is asked apart taken together.

    They are dated as the first of them: a fork from between counts them all, never too few.
    """
    ordered = {name for rule in rules if isinstance(rule, Owes) for name in _named(rule)}
    apart: dict[str, set[str]] = {}
    for rule in rules:
        for tool in _named(rule):
            summed = {rule.argument} if isinstance(rule, Total) else set[str]()
            apart.setdefault(tool, set()).update(_paths(rule, tool) - summed)
    found: dict[object, Act] = {}
    border = len(acts) - _KEPT_APART
    for at, act in enumerate(acts):
        values = {
            path: each for path, each in act.values.items() if path in apart.get(act.tool, ())
        }
        key: object = (act.tool, act.level, act.doubt, canonical([values, act.said]))
        if at >= border or act.tool in ordered or not act.tool:
            key = at
        found[key] = _joined(found[key], act, values) if key in found else act
    return list(found.values())


def _joined(one: Act, other: Act, values: Values) -> Act:
    sums = dict(one.sums or summed(one))
    for path, more in (other.sums or summed(other)).items():
        sums[path] = sums.get(path, Decimal(0)) + more
    return one.model_copy(update={"times": one.times + other.times, "sums": sums, "values": values})


def summed(act: Act) -> dict[str, Decimal]:
    """Return the sums of an act's arguments that are numbers."""
    found: dict[str, Decimal] = {}
    for path, values in act.values.items():
        numbers = [number(each) for each in values]
        if None not in numbers:
            found[path] = sum((each for each in numbers if each is not None), Decimal(0))
    return found


def _forget(acts: list[Act], rules: Sequence[Rule]) -> None:
    """Drop the oldest of what only allows calls: without it they are refused, never let through."""
    binding = {
        name
        for rule in rules
        for name in _named(rule)
        if isinstance(rule, AtMost | Total | Distinct | NeverAfter | Owes)
    }
    spare = [act for act in acts if act.tool and act.tool not in binding]
    gone = {id(act) for act in spare[: len(acts) - MOST_ACTS + _KEPT_APART]}
    acts[:] = [act for act in acts if id(act) not in gone]


def is_full(acts: Sequence[Act]) -> bool:
    """Whether the log holds no more of what forbids: then what it would judge is refused."""
    return len(acts) >= 2 * MOST_ACTS
