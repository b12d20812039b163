"""Rules over what a dossier's workers answer: the account that was asked, figures that were shown.

A figure that no result and no input of the run has shown is made up, however plausible it is.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from agents.toolkit import AnswerToCheck
from domain.workers import Success, WorkerAnswer

_NUMBER: Final = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w])")
_MOST: Final = 5
_SMALL: Final = 12
"""Counts of things in the text itself, months among them, need not have been shown."""


def account_was_asked(checked: AnswerToCheck) -> Sequence[str]:
    """The output is about the account that the task is about."""
    output = _output(checked)
    asked = _task(checked).get("input", {}).get("account")
    if output and output.get("account") != asked:
        return [f"account is {output.get('account')!r}; the task is about {asked!r}"]
    return []


def figures_were_shown(checked: AnswerToCheck) -> Sequence[str]:
    """Every figure of the output, also inside its sentences, was in a result or in the input."""
    output = _output(checked)
    if not output:
        return []
    shown = set(_numbers(_task(checked)))
    for call in checked.made:
        shown.update(_numbers(_parsed(call.text)))
    strange = [number for number in dict.fromkeys(_numbers(output)) if not _is_shown(number, shown)]
    return [
        f"{number:g} is in no result and not in the input: give figures that you were shown"
        for number in strange[:_MOST]
    ]


CHECKS = (account_was_asked, figures_were_shown)


def _is_shown(number: float, shown: set[float]) -> bool:
    """Whether a figure was shown, to the hundredth, or rounded to a whole one."""
    if number == int(number):
        return number <= _SMALL or any(number == round(each) for each in shown)
    return any(round(number, 2) == round(each, 2) for each in shown)


def _numbers(value: Any) -> Iterator[float]:
    """Yield the absolute value of every number in a value, those in texts included."""
    if isinstance(value, str):
        for found in _NUMBER.findall(value.replace("-", " ")):  # a day has three
            yield float(found.replace(",", ""))
    elif isinstance(value, Mapping):
        for inner in cast("Mapping[str, Any]", value).values():
            yield from _numbers(inner)
    elif isinstance(value, list | tuple):
        for inner in cast("Sequence[Any]", value):
            yield from _numbers(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield abs(float(value))


def _output(checked: AnswerToCheck) -> dict[str, Any]:
    answer = cast("WorkerAnswer[Any]", checked.answer).result
    if not isinstance(answer, Success):
        return {}
    return answer.model_dump(mode="json")["output"]


def _task(checked: AnswerToCheck) -> dict[str, Any]:
    found = _parsed(checked.task)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
