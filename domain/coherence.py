"""Whether what is known agrees with itself: rules as data over inputs and outputs.

A path leads to a list of values, since `[*]` goes through lists. A path into something that is
not known says so, and is never taken for agreement.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple, cast

from domain.contract import canonical
from domain.goals import Rule

_PART: Final = re.compile(r"\[\*\]|[^.\[\]]+")
_CENT: Final = Decimal("0.01")
_SHOWN: Final = 60
_MOST: Final = 5


class Incoherence(NamedTuple):
    """Something that does not hold.

    Attributes:
        what: One sentence.
        names: The inputs and outputs that it is about.
    """

    what: str
    names: frozenset[str]


class _MissingError(LookupError):
    """A path leads nowhere."""


def values(path: str, known: Mapping[str, Any]) -> list[Any]:
    """Return the values that `path` leads to.

    Raises:
        LookupError: It leads nowhere; says where it ends.
    """
    found: list[Any] = [known]
    walked = ""
    for part in _PART.findall(path):
        walked += part if part == "[*]" or not walked else f".{part}"
        found = [inner for each in found for inner in _step(each, part, walked)]
    return found


def _step(value: Any, part: str, walked: str) -> Iterable[Any]:
    if part == "[*]":
        if not isinstance(value, list | tuple):
            raise _MissingError(f"{walked.removesuffix('[*]')} is no list")
        return cast("Iterable[Any]", value)
    if not isinstance(value, Mapping) or part not in value:
        raise _MissingError(f"there is no {walked}")
    return [cast("Mapping[str, Any]", value)[part]]


def broken(rules: Sequence[Rule], known: Mapping[str, Any]) -> list[Incoherence]:
    """Return what does not hold, one each.

    A rule about an output that is not there at all is left out: that it is missing is another
    thing to say, and `present` says it.
    """
    found: list[Incoherence] = []
    for rule in rules:
        if rule.kind != "present" and not rule.names <= known.keys():
            continue
        try:
            wrong = _CHECKS[rule.kind](rule, known)
        except LookupError as error:
            wrong = str(error.args[0])
        if wrong:
            why = f" ({rule.why})" if rule.why else ""
            found.append(Incoherence(f"{wrong}{why}", rule.names))
    return found


def disagreeing(
    agree: Iterable[str], inputs: Mapping[str, Any], outputs: Mapping[str, Any]
) -> list[Incoherence]:
    """Return which outputs have a field called like an input, with another value in it."""
    return [
        Incoherence(
            f"{name}.{field} is {_shown(output[field])}, and the goal's {field} is "
            f"{_shown(inputs[field])}",
            frozenset({name, field}),
        )
        for field in agree
        if field in inputs
        for name, output in outputs.items()
        if isinstance(output, Mapping) and field in output and output[field] != inputs[field]
    ]


def _same(rule: Rule, known: Mapping[str, Any]) -> str:
    by_path = {path: values(path, known) for path in rule.same}
    distinct = {canonical(value) for found in by_path.values() for value in found}
    if len(distinct) <= 1:
        return ""
    told = ", ".join(f"{path} is {_some(found)}" for path, found in by_path.items())
    return f"these differ: {told}"


def _at_most(rule: Rule, known: Mapping[str, Any]) -> str:
    low, high = rule.paths
    lows, highs = values(low, known), values(high, known)
    if not lows or not highs:
        return ""
    # The largest against the smallest: a list of thousands stays cheap.
    left, right = max(lows, key=_rank), min(highs, key=_rank)
    if type(_rank(left)) is not type(_rank(right)):
        raise _MissingError(f"{_shown(left)} and {_shown(right)} cannot be compared")
    if _rank(left) <= _rank(right):
        return ""
    return f"{low} is {_shown(left)}, above {high}, which is {_shown(right)}"


def _rank(value: Any) -> Any:
    """Return what orders a value: text, ISO days among it, as it stands; else its number."""
    return value if isinstance(value, str) else _number(value)


def _among(rule: Rule, known: Mapping[str, Any]) -> str:
    some, all_ = rule.paths
    there = {canonical(value) for value in values(all_, known)}
    strange = [value for value in values(some, known) if canonical(value) not in there]
    return f"{some} has {_some(strange)}, which {all_} does not have" if strange else ""


def _sum(rule: Rule, known: Mapping[str, Any]) -> str:
    parts, whole = rule.paths
    added = sum((_number(value) for value in values(parts, known)), Decimal(0))
    for total in values(whole, known):
        if abs(_number(total) - added) > _CENT:
            return f"{parts} add up to {added}, and {whole} is {_shown(total)}"
    return ""


def _present(rule: Rule, known: Mapping[str, Any]) -> str:
    empty: list[str] = []
    for path in rule.present:
        try:
            found = values(path, known)
        except LookupError as error:
            return str(error.args[0])
        if not found or any(value in (None, "", [], {}) for value in found):
            empty.append(path)
    return f"there is nothing in {', '.join(empty)}" if empty else ""


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise _MissingError(f"{_shown(value)} is no number")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise _MissingError(f"{_shown(value)} is no number") from None
    if not number.is_finite():
        raise _MissingError(f"{_shown(value)} is no number")
    return number


def _shown(value: Any) -> str:
    text = canonical(value).decode("utf-8", "replace")
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _some(found: Sequence[Any]) -> str:
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return ", ".join(_shown(value) for value in found[:_MOST]) + more or "nothing"


_CHECKS: Final[Mapping[str, Callable[[Rule, Mapping[str, Any]], str]]] = {
    "same": _same,
    "at_most": _at_most,
    "among": _among,
    "sum": _sum,
    "present": _present,
}
