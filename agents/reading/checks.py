"""A rule over what a specialist quotes: it is in what the specialist has read, word for word."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, cast

from agents.reading.words import flat
from agents.toolkit import AnswerToCheck
from domain.research import Evidence


def quotes_were_read(checked: AnswerToCheck) -> Sequence[str]:
    """Every quotation stands in the passage that it names, as a tool of this run has shown it."""
    read = dict(_read(checked))
    wrong: list[str] = []
    for each in Evidence.model_validate(checked.answer).found:
        if each.passage not in read:
            wrong.append(f"no result of this run shows the passage {each.passage[:20]!r}")
        elif flat(each.quote) not in read[each.passage]:
            wrong.append(
                f"passage {each.passage!r} does not hold {each.quote[:60]!r} word for word"
            )
    return wrong[:8]


CHECKS = (quotes_were_read,)


def _read(checked: AnswerToCheck) -> Iterator[tuple[str, str]]:
    """Yield the id and the text of every passage that was shown."""
    for call in checked.made:
        # A warning may stand before a result, and a note behind one that was cut.
        start = call.text.find("{")
        try:
            result, _ = json.JSONDecoder().raw_decode(call.text[max(start, 0) :])
        except ValueError:
            continue  # an error told in words shows no passage
        shown = cast("dict[str, Any]", result).get("passages", [])
        for each in cast("list[dict[str, str]]", shown):
            yield each["passage"], flat(each["text"])
