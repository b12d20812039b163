"""What an answer claims, part by part, and what the steps that look it up hand each other.

Who extracts claims sees the answer and no evidence; who answers the questions sees the evidence
and no claim; rules that no model can influence stand between them and behind them.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final, cast

from pydantic import Field

from domain.contract import Contract, Strict
from domain.selfcheck import Finding

TEXT: Final = "answer"
"""Where a plain text answer's sentences are said to be."""
_PROSE: Final = 60  # characters; a longer value is read as prose, sentence by sentence
_SENTENCE: Final = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[`*A-Z0-9])|\n+")
_NO_CLAIM: Final = frozenset({"confidence"})  # about the answer, not about the world


class Unit(Contract):
    """A part of an answer that can be taken out or sent back by itself.

    Attributes:
        path: Where it is in a typed answer, parts joined by `/`.
        text: A sentence, or a value as it is written.
        prose: Whether it is a sentence.
    """

    path: str
    text: str
    prose: bool


class Claim(Strict):
    """What a part of an answer says of the world, and the question that it answers.

    Attributes:
        of: Number of the unit, from 1.
        part: Words of that unit, as they stand there.
        value: The words of `part` that the question asks for.
        question: Asks for the value without giving it away.
    """

    of: int
    part: str = Field(max_length=1_000)
    value: str = Field(max_length=400)
    question: str = Field(max_length=500)


class Extraction(Strict):
    """All that an answer claims."""

    claims: tuple[Claim, ...] = Field(max_length=80)


class Found(Strict):
    """What the evidence says to one question.

    Attributes:
        question: Its number, from 1.
        quotes: The words of the evidence that it rests on.
    """

    question: int
    found: bool
    answer: str = Field(max_length=1_000)
    quotes: tuple[str, ...] = Field(max_length=8)


class Findings(Strict):
    """What the evidence says to some questions."""

    answers: tuple[Found, ...] = Field(max_length=40)


class LookUp(Strict):
    """A call of a read tool that may answer a question; `arguments` is a JSON object's text."""

    tool: str = Field(max_length=64)
    arguments: str = Field(max_length=4_000)


class LookUps(Strict):
    """Calls that may answer questions."""

    calls: tuple[LookUp, ...] = Field(max_length=12)


# --- what the rules are asked, and say


class Source(Contract):
    """Something that the run has read: `name` says where it comes from."""

    name: str
    text: str


class SortRequest(Contract):
    """Claims as a model extracted them. A local activity's input: not recorded."""

    units: tuple[Unit, ...]
    claims: tuple[Claim, ...]
    together: int


class Sorted(Contract):
    """Claims that can be asked about, put together so that none gives another away.

    Attributes:
        wrong: Why a claim cannot be asked about, by its index.
        missing: Numbers, from 1, of the parts that say something no claim covers.
        batches: Indexes of claims whose questions are asked together.
    """

    wrong: dict[int, str] = Field(default_factory=dict[int, str])
    missing: tuple[int, ...] = ()
    batches: tuple[tuple[int, ...], ...] = ()


class PickRequest(Contract):
    """Evidence above its size; the passages that speak of the questions most are wanted."""

    questions: tuple[str, ...]
    sources: tuple[Source, ...]
    most_bytes: int


class Picked(Contract):
    """Passages in their order: which source, from which character to which."""

    cuts: tuple[tuple[int, int, int], ...] = ()


class CompareRequest(Contract):
    """Claims, what was found without seeing them, and the evidence itself."""

    claims: tuple[Claim, ...]
    found: tuple[Found | None, ...]
    sources: tuple[Source, ...]


class Verdict(Contract):
    """What comparing a claim with what was found came to."""

    finding: Finding
    because: str = ""


class Compared(Contract):
    """One verdict a claim, in the same order."""

    verdicts: tuple[Verdict, ...]


# --- the parts of an answer


def units(answer: Any, fields: Collection[str] = ()) -> tuple[Unit, ...]:
    """Return what an answer says, in its order.

    Args:
        answer: A text, or the value of a typed answer.
        fields: Fields that make claims; empty: all.
    """
    if isinstance(answer, str):
        return tuple(Unit(path=TEXT, text=each, prose=True) for each in sentences(answer))
    return tuple(
        unit
        for path, value in _leaves(answer, "")
        if _asked_for(path, fields)
        for unit in _said(path, value)
    )


def sentences(text: str) -> list[str]:
    """Return the sentences and lines of a text, in order."""
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    inner: Iterable[tuple[object, Any]] = ()
    if isinstance(value, dict):
        inner = cast("dict[str, Any]", value).items()
    elif isinstance(value, list):
        inner = enumerate(cast("list[Any]", value))
    else:
        yield path, value
    for name, each in inner:
        yield from _leaves(each, f"{path}/{name}" if path else str(name))


def _asked_for(path: str, fields: Collection[str]) -> bool:
    if not fields:
        return path not in _NO_CLAIM
    return any(path == field or path.startswith(f"{field}/") for field in fields)


def _said(path: str, value: Any) -> Iterator[Unit]:
    if value is None or value == "":
        return
    text = written(value)
    parts = sentences(text)
    sentence = " " in text and text.rstrip().endswith((".", "!", "?"))
    if len(text) <= _PROSE and len(parts) == 1 and not sentence:
        yield Unit(path=path, text=text, prose=False)
        return
    for part in parts:
        yield Unit(path=path, text=part, prose=True)


def written(value: Any) -> str:
    """Return a simple value as it is written in an answer."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


# --- taking out


def droppable(path: str, drops: Sequence[str]) -> tuple[str, int] | None:
    """Return the list and the index of the item that can be taken out for what `path` says."""
    for name in drops:
        if name == TEXT == path:
            return TEXT, -1
        if path.startswith(f"{name}/"):
            index = path.removeprefix(f"{name}/").partition("/")[0]
            return (name, int(index)) if index.isdigit() else None
    return None


def without(answer: Any, out: Sequence[Unit], drops: Sequence[str]) -> Any:
    """Return a copy of an answer without the list items, or sentences, that `out` stand in."""
    if isinstance(answer, str):
        for unit in out:
            answer = answer.replace(unit.text, "", 1)
        return "\n".join(" ".join(line.split()) for line in answer.splitlines()).strip()
    places = {place for unit in out if (place := droppable(unit.path, drops))}
    return _without(answer, "", places)


def _without(value: Any, path: str, places: Collection[tuple[str, int]]) -> Any:
    if isinstance(value, dict):
        return {
            name: _without(each, f"{path}/{name}" if path else name, places)
            for name, each in cast("dict[str, Any]", value).items()
        }
    if isinstance(value, list):
        return [
            _without(each, f"{path}/{index}", places)
            for index, each in enumerate(cast("list[Any]", value))
            if (path, index) not in places
        ]
    return value
