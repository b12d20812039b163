"""What calls and results have in common once what only looks different is left out.

Two results of one call are the same when they tell the same: a clock, a request's number, the
order of a list and a sentence said once more tell nothing. Between results of different calls
only the envelope is left out, since in a page of records the times and ids are the content.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, cast

from domain import sameness_patterns as patterns
from domain.contract import Contract, canonical, digest

_LENGTH = 16  # hex digits of a hash
_MOST_READ = 64_000  # characters of a result that are compared, from both ends
_MOST_ARGUMENT = 4_000  # characters of an argument that are looked into
_GIST = 400  # characters that say what kind of thing a text is
_SHORT = 8  # words; a longer result has content of its own
_ENVELOPE = 2  # clocks in a text; where there are more, they are content
_PLURAL = 3  # letters; a shorter word that ends in s is none
_HEAD = 20  # characters by which a text that grows is known again


class Tone(StrEnum):
    """What kind of thing a result says: `away` is an error that may pass, `wait` is no error."""

    ERROR = "error"
    AWAY = "away"
    WAIT = "wait"
    EMPTY = "empty"
    ACK = "ack"
    BODY = "body"


class Said(Contract):
    """A result, reduced to what can be compared.

    Attributes:
        mark: Equal for results of one call that tell the same.
        mild: Equal for results of different calls that tell the same.
    """

    mark: str
    mild: str
    tone: Tone


class Wanted(Contract):
    """A call's arguments, reduced to what can be compared.

    Attributes:
        alike: Equal for calls that differ in spelling, in clocks and in how much is asked for.
        head: How the longest text among them begins; empty where none is long.
        items: They name a thing, such as a number or a path, where others describe one.
    """

    alike: str
    head: str = ""
    items: bool = False


_TONES = (
    (Tone.AWAY, patterns.TRANSIENT),
    (Tone.WAIT, patterns.NOT_YET),
    (Tone.EMPTY, patterns.NOTHING),
    (Tone.ERROR, patterns.ERROR),
)


# --- a call


def wanted(tool: str, arguments: Mapping[str, Any], *, writes: bool) -> Wanted:
    """Return what a call asks for.

    What a write is given is what it does, so there only spaces and clocks are left out.
    """
    kept = {
        name: _loosened(value, writes=writes)
        for name, value in arguments.items()
        if not _is_noise(name, value, writes=writes)
    }
    texts = [value for value in arguments.values() if _describes(value)]
    longest = max(texts, key=len, default="")
    head = " ".join(longest[: 4 * _HEAD].lower().split())[:_HEAD] if len(longest) > _HEAD else ""
    return Wanted(
        alike=digest(tool, canonical(kept), length=_LENGTH),
        head=digest(head, length=_LENGTH) if head else "",
        items=not texts and any(_names(name, value) for name, value in arguments.items()),
    )


def _describes(value: Any) -> bool:
    """Whether a value is words about something, and not a name."""
    if not isinstance(value, str) or patterns.PROPER.fullmatch(value):
        return False
    return " " in value or "\n" in value


def _is_noise(name: str, value: Any, *, writes: bool) -> bool:
    key = _snake(name)
    if patterns.NOISY_ARGUMENT.match(key):
        return True
    return not writes and (value in (None, "", [], {}) or bool(patterns.KNOB.match(key)))


def _loosened(value: Any, *, writes: bool) -> Any:
    if isinstance(value, Mapping):
        inner = cast("Mapping[str, Any]", value)
        return {name: _loosened(each, writes=writes) for name, each in inner.items()}
    if isinstance(value, list):
        return [_loosened(each, writes=writes) for each in cast("list[Any]", value)]
    if not isinstance(value, str) or len(value) > _MOST_ARGUMENT:
        return value
    plain = " ".join(value.split())
    if writes:
        return plain
    if " " not in plain:
        return plain.lower().strip("\"'`?!.,;:/").removeprefix("./")
    words = {word.removesuffix("s") if len(word) > _PLURAL else word for word in _words(plain)}
    return " ".join(sorted(words))


def _names(name: str, value: Any) -> bool:
    key = _snake(name)
    if patterns.KNOB.match(key) or patterns.PLACE.match(key) or isinstance(value, bool):
        return False
    if isinstance(value, list):
        return any(_names(name, each) for each in cast("list[Any]", value))
    return isinstance(value, int) or (
        isinstance(value, str)
        and bool(
            patterns.NAMES_A_THING.search(value[:_MOST_ARGUMENT])
            or patterns.PROPER.fullmatch(value)
        )
    )


# --- a result


def said(text: str, arguments: Mapping[str, Any]) -> Said:
    """Return what a result tells, beyond the arguments that it repeats."""
    if len(text) > _MOST_READ:
        text = text[: _MOST_READ // 2] + "\n" + text[-_MOST_READ // 2 :]
    found = _parsed(text)
    echo = frozenset(_echoes(arguments.values()))
    lowered = text.lower()
    told = len(patterns.CLOCK.findall(lowered))
    strict = set(_tokens(found, echo, deep=True, clocks=False))
    if isinstance(found, str) and not told and not patterns.TIME.search(lowered):
        mild = strict  # plain text that tells no time is read once: this is most of what is read
    else:
        mild = set(_tokens(found, echo, deep=False, clocks=told > _ENVELOPE))
    return Said(
        mark=digest(*sorted(strict), length=_LENGTH),
        mild=digest(*sorted(mild), length=_LENGTH),
        tone=_tone(found, strict, echo),
    )


def _parsed(text: str) -> Any:
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def _echoes(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, Mapping):
            yield from _echoes(cast("Mapping[str, Any]", value).values())
        elif isinstance(value, list):
            yield from _echoes(cast("list[Any]", value))
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            yield from _words(str(value)[:_MOST_ARGUMENT])


def _tokens(
    value: Any, echo: frozenset[str], *, deep: bool, clocks: bool, path: str = ""
) -> Iterator[str]:
    """Return what a result consists of: sentences, and values under their keys, in no order.

    Args:
        value: The result, parsed where it is JSON.
        echo: Words that the call brought itself.
        deep: Leave out noise wherever it is, not only in the envelope.
        clocks: Times are content.
        path: Where `value` stands.
    """
    if isinstance(value, Mapping):
        for name, inner in cast("Mapping[str, Any]", value).items():
            noisy = (deep or not path) and patterns.NOISY_KEY.search(_snake(name))
            if not noisy or (isinstance(inner, list) and inner):  # a list is no clock or count
                yield from _tokens(inner, echo, deep=deep, clocks=clocks, path=f"{path}.{name}")
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _tokens(inner, echo, deep=deep, clocks=clocks, path=f"{path}[]")
    else:
        text = str(value).lower()
        text = _quietened(text, clocks=clocks, codes=not deep and path.endswith("]"), times=deep)
        for segment in patterns.SEGMENT.split(text) if isinstance(value, str) else [text]:
            words = " ".join(word for word in _words(segment) if word not in echo)
            if words := patterns.TWICE.sub(r"\1", words):
                yield f"{path}={words}" if path else words


def _quietened(text: str, *, clocks: bool, codes: bool, times: bool) -> str:
    """Return `text` without what changes each time it is said."""
    if not clocks:
        text = patterns.CLOCK.sub(" ", text)
    if times:
        text = patterns.TIME.sub(" ", text)
    if not (codes or clocks):
        text = patterns.CODE.sub(" ", text)
    return patterns.LONG_RUN.sub(
        r"\1\1\1", patterns.TOOK.sub(" ", patterns.NUMBERED.sub(r"\1", text))
    )


def _tone(found: Any, tokens: set[str], echo: frozenset[str]) -> Tone:
    gist = found.lower() if isinstance(found, str) else " ".join(sorted(tokens))
    parts = gist[:_GIST].replace("=", " ").replace("_", " ").split()
    words = " ".join(part for part in parts if part.strip("'\":,.") not in echo)
    if not tokens or all(token.endswith(("=none", "=0", "=false")) for token in tokens):
        return Tone.EMPTY if not isinstance(found, str) or not found.strip() else Tone.ACK
    if patterns.CLEAN.search(words):
        return Tone.ACK
    length = len(words.split())
    if length <= _SHORT * _SHORT // 2:
        for tone, pattern in _TONES:
            if pattern.search(words):
                return tone
    return Tone.ACK if length <= _SHORT else Tone.BODY


def _words(text: str) -> list[str]:
    return patterns.WORD.findall(text.lower())


def _snake(name: str) -> str:
    return patterns.CAMEL.sub("_", name).lower().replace("-", "_")
