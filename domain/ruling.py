"""Judging a call by the rules over a run's history: pure, and exact.

What cannot be judged is refused and says why: an argument that is missing, an amount that is no
number, a log that is full. In doubt the stricter reading holds: two spellings of a value are one
where calls are counted, and two where something must have been looked up.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from domain.contract import Contract
from domain.rule_log import Act, is_full, summed
from domain.rule_values import fold, number, plain, read, shown
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


class Breach(Contract):
    """A rule that a call would break.

    Attributes:
        rule: What it says.
        why: What stands against the call.
        hint: What the model can do; empty for nothing.
        ask: A person may let it through.
    """

    rule: str
    why: str
    hint: str = ""
    ask: bool = False


class _Proposed:
    """A call that is judged."""

    def __init__(self, tool: ToolSpec, arguments: Mapping[str, Any]) -> None:
        self.tool, self.arguments = tool, arguments

    def values(self, path: str) -> tuple[str, ...]:
        """Return the values of an argument.

        Raises:
            _CannotTellError: It is missing.
        """
        found = read(self.tool, self.arguments, path)
        if not found:
            why = f"{self.tool.name} was called without {path!r}, by which it is judged"
            raise _CannotTellError(why, f"give {path!r}")
        return found


class _CannotTellError(Exception):
    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.hint = hint


def breaches(
    levels: Sequence[Ruled], acts: Sequence[Act], tool: ToolSpec, arguments: Mapping[str, Any]
) -> list[Breach]:
    """Return what rules a call would break, after `acts` in this order.

    Args:
        levels: The rules of the runs above, outermost first, then the run's own. What is done at
            a level counts for its rules and for those above.
        acts: The run's log.
        tool: The tool that is called.
        arguments: Its arguments.
    """
    proposed = _Proposed(tool, arguments)
    found: list[Breach] = []
    for at, level in enumerate(levels):
        counted = [act for act in acts if act.level >= at]
        for rule in level.rules:
            if tool.name in rule.tools and (breach := _breach(rule, counted, proposed)):
                whose = f"{level.agent}: " if at < len(levels) - 1 else ""
                found.append(breach.model_copy(update={"rule": f"{whose}{breach.rule}"}))
    return found


def _breach(rule: Rule, acts: Sequence[Act], proposed: _Proposed) -> Breach | None:
    try:
        found = _JUDGES[rule.kind](rule, acts, proposed)
    except _CannotTellError as error:
        found = (str(error), error.hint)
    if found is None:
        return None
    return Breach(rule=rule.says, why=found[0], hint=found[1], ask=rule.otherwise == "ask")


def _needs(rule: Needs, acts: Sequence[Act], proposed: _Proposed) -> tuple[str, str] | None:
    done = [act for act in acts if act.tool == rule.earlier and not act.doubt]
    for wanted in _combined(rule.same, proposed):
        if not any(_matches(act, wanted) for act in done):
            of = _with(wanted)
            return (
                f"this run has not done {rule.earlier}{of} before",
                f"call {rule.earlier}{of} first, and go on when it has answered",
            )
    return None


def _never_after(
    rule: NeverAfter, acts: Sequence[Act], proposed: _Proposed
) -> tuple[str, str] | None:
    _nothing_unknown(acts)
    done = [act for act in acts if act.tool == rule.earlier]
    for wanted in _combined(rule.same, proposed):
        if any(_matches(act, wanted, folded=True) for act in done):
            return f"this run has done {rule.earlier}{_with(wanted)} already", ""
    return None


def _at_most(rule: AtMost, acts: Sequence[Act], proposed: _Proposed) -> tuple[str, str] | None:
    _nothing_unknown(acts)
    for value in proposed.values(rule.per) if rule.per else ("",):
        count = sum(act.times for act in _of(rule, acts, value))
        if count >= rule.times:
            of = f" for {rule.per} {shown(value)}" if value else ""
            return f"this run has done {count} of them{of}", ""
    return None


def _total(rule: Total, acts: Sequence[Act], proposed: _Proposed) -> tuple[str, str] | None:
    _nothing_unknown(acts)
    more = sum((_amount(text, rule.argument) for text in proposed.values(rule.argument)), Decimal())
    for value in proposed.values(rule.per) if rule.per else ("",):
        used = sum((_sum(act, rule.argument) for act in _of(rule, acts, value)), Decimal())
        together = used + more
        if together > rule.most or (rule.under and together == rule.most):
            how = "below" if rule.under else "at most"
            return (
                f"{plain(used)} so far and {plain(more)} more make {plain(together)}",
                f"what is left is {how} {plain(max(rule.most - used, Decimal()))}",
            )
    return None


def _distinct(rule: Distinct, acts: Sequence[Act], proposed: _Proposed) -> tuple[str, str] | None:
    _nothing_unknown(acts)
    had = {
        fold(value)
        for act in acts
        if act.tool in rule.tools
        for value in act.values.get(rule.argument, ())
    }
    new = {fold(value) for value in proposed.values(rule.argument)} - had
    if new and len(had) + len(new) > rule.most:
        return f"this run has had {len(had)} already, and this would be {len(new)} more", ""
    return None


def _only_if(rule: OnlyIf, acts: Sequence[Act], proposed: _Proposed) -> tuple[str, str] | None:
    done = [act for act in acts if act.tool == rule.earlier and not act.doubt]
    for wanted in _combined(rule.same, proposed):
        of = _with(wanted)
        last = next((act for act in reversed(done) if _matches(act, wanted)), None)
        first = f"call {rule.earlier}{of} first, and go on when it has answered"
        if last is None:
            return f"this run has not done {rule.earlier}{of} before", first
        said = last.said.get(rule.field, ())
        if not said:
            return f"{rule.earlier}{of} said nothing of {rule.field}", ""
        if rule.one_of and not all(each in rule.one_of for each in said):
            return f"{rule.earlier}{of} said {rule.field} {shown(', '.join(said))}", ""
        if rule.argument:
            most = min(_amount(each, rule.field) for each in said)
            mine = max(_amount(each, rule.argument) for each in proposed.values(rule.argument))
            if mine > most:
                left = f"{rule.argument} may be at most {plain(most)}"
                return f"{rule.earlier}{of} said {rule.field} {plain(most)}", left
    return None


def _not_now(rule: Owes, acts: Sequence[Act], proposed: _Proposed) -> tuple[str, str] | None:
    """What a call owes is asked of the answer."""


_JUDGES: Mapping[str, Callable[[Any, Sequence[Act], _Proposed], tuple[str, str] | None]] = {
    "needs": _needs,
    "never_after": _never_after,
    "at_most": _at_most,
    "total": _total,
    "distinct": _distinct,
    "only_if": _only_if,
    "owes": _not_now,
}


# --- what is owed


def owed(levels: Sequence[Ruled], acts: Sequence[Act]) -> list[Breach]:
    """Return what the run's calls owe and was not done after them.

    Rules of runs above are asked of their own answers.
    """
    found: list[Breach] = []
    for at, level in enumerate(levels):
        if level.above:
            continue
        counted = [act for act in acts if act.level >= at]
        for rule in level.rules:
            if isinstance(rule, Owes):
                found.extend(_owed(rule, counted))
    return found


def _owed(rule: Owes, acts: Sequence[Act]) -> list[Breach]:
    found: dict[str, Breach] = {}
    for at, act in enumerate(acts):
        if act.tool not in rule.tools:
            continue
        wanted = tuple(
            (theirs, value) for mine, theirs in rule.same for value in act.values.get(mine, ())
        )
        later = (each for each in acts[at + 1 :] if each.tool == rule.by and not each.doubt)
        if not any(all(_matches(each, (pair,)) for pair in wanted) for each in later):
            of = _with(wanted)
            found[of] = Breach(
                rule=rule.says,
                why=f"{act.tool} was done and {rule.by}{of} was not done after it",
                hint=f"call {rule.by}{of}, then answer",
            )
    return list(found.values())


# --- values

Wanted = tuple[tuple[str, str], ...]


def _combined(same: Pairs, proposed: _Proposed) -> list[Wanted]:
    """Return what earlier calls must have had: one entry for each value of a list."""
    found: list[Wanted] = [()]
    for mine, theirs in same:
        found = [(*each, (theirs, value)) for each in found for value in proposed.values(mine)]
    return found


def _matches(act: Act, wanted: Wanted, *, folded: bool = False) -> bool:
    spell: Callable[[str], str] = fold if folded else str
    return all(spell(value) in map(spell, act.values.get(path, ())) for path, value in wanted)


def _of(rule: AtMost | Total, acts: Sequence[Act], value: str) -> list[Act]:
    return [
        act
        for act in acts
        if act.tool in rule.tools
        and (not rule.per or fold(value) in map(fold, act.values.get(rule.per, ())))
    ]


def _nothing_unknown(acts: Sequence[Act]) -> None:
    """Refuse to count where something is not in the log."""
    if is_full(acts):
        raise _CannotTellError("the run has done more than its rules can look back on")
    if any(not act.tool for act in acts):
        raise _CannotTellError("a run below left no account, so what it did is not known")


def _amount(text: str, what: str) -> Decimal:
    found = number(text)
    if found is None:
        raise _CannotTellError(f"{what} {shown(text)} is no number that can be added up")
    if found < 0:
        raise _CannotTellError(f"{what} {shown(text)} is negative; only amounts add up")
    return found


def _sum(act: Act, argument: str) -> Decimal:
    sums = act.sums or summed(act)
    return sums.get(argument, Decimal())


def _with(wanted: Wanted) -> str:
    said = " and ".join(f"{path} {shown(value)}" for path, value in wanted)
    return f" with {said}" if said else ""
