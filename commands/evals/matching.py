"""Whether a value is what a case says that it must be."""

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

_MISSING = object()
_Matcher = dict[str, Any]


def at(value: Any, path: str) -> Any:
    """Return what is at a dotted path; a string where there is nothing, which equals nothing."""
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = cast("Mapping[str, Any]", value).get(step, _MISSING)
        elif isinstance(value, list | tuple) and step.lstrip("-").isdigit():
            entries = cast("list[Any]", value)
            value = entries[int(step)] if -len(entries) <= int(step) < len(entries) else _MISSING
        else:
            return _MISSING
    return value


def matches(value: Any, wanted: Any) -> bool:
    """Whether `value` is as wanted: equal, or what a matcher asks for."""
    if isinstance(wanted, dict) and len(cast("dict[str, Any]", wanted)) in {1, 2}:
        rule = cast("dict[str, Any]", wanted)
        for name, judge in _RULES.items():
            if name in rule:
                return value is not _MISSING and judge(value, rule)
    if isinstance(wanted, float) and isinstance(value, int | float):
        return abs(value - wanted) < 1e-9  # noqa: PLR2004 - a float's own noise
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def fits(arguments: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether arguments are as wanted, among others."""
    return all(matches(at(arguments, path), value) for path, value in wanted.items())


def text_of(answer: Any) -> str:
    """Return an answer as the text that words are looked for in."""
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def has(text: str, words: str) -> bool:
    """Whether a text has these words in it, whatever its case and its lines."""
    return " ".join(words.split()).casefold() in " ".join(text.split()).casefold()


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _about(value: Any, rule: _Matcher) -> bool:
    within = float(rule.get("within", 0.01))
    return _number(value) and abs(value - float(rule["about"])) <= within


def _has(value: Any, rule: _Matcher) -> bool:
    return has(text_of(value), str(rule["has"]))


def _any(value: Any, rule: _Matcher) -> bool:
    return any(matches(value, each) for each in rule["any"])


def _at_least(value: Any, rule: _Matcher) -> bool:
    return _number(value) and value >= rule["at_least"]


def _at_most(value: Any, rule: _Matcher) -> bool:
    return _number(value) and value <= rule["at_most"]


def _not(value: Any, rule: _Matcher) -> bool:
    return not matches(value, rule["not"])


def _length(value: Any, rule: _Matcher) -> bool:
    return hasattr(value, "__len__") and len(value) == rule["length"]


_RULES: dict[str, Callable[[Any, _Matcher], bool]] = {
    "has": _has,
    "any": _any,
    "about": _about,
    "at_least": _at_least,
    "at_most": _at_most,
    "not": _not,
    "length": _length,
}
