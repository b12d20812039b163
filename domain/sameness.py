"""What calls and results have in common once what only looks different is left out.

Two results of one call are the same when they tell the same: a clock, a request's number, the
order of a list and a sentence said once more tell nothing. Between results of different calls
only the envelope is left out, since in a page of records the times and ids are the content.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, cast

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


_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOISE = (
    r"ts|time|times?tamp|datetime|date|at|now|elapsed|duration|took|latency|uptime|ms|nonce|etag"
    r"|attempts?|retry|retries|pid|seq|iteration|served|generated|hits|ttl|expires?"
)
_NOISY_KEY = re.compile(
    rf"(?:^|_)(?:{_NOISE})(?:_|$)"
    r"|(?:^|_)(?:request|req|trace|span|session|correlation|idempotency|call)(?:_?(?:id|key)|$)"
)
_NOISY_ARGUMENT = re.compile(
    r"^(?:_?ts|timestamp|now|nonce|attempts?|retry|retries|iteration|salt|cache_?bust(?:er)?|_t?"
    r"|(?:request|req|trace|span|correlation|idempotency)_?(?:id|key))$"
)
# How much is asked for, and how it is told: other values of these bring the same news.
_KNOB = re.compile(
    r"^(?:limit|top_?k|k|n|max_?(?:results|items|tokens|rows)?|num_?results|page_?size|per_page"
    r"|count|timeout(?:_?m?s)?|verbose|format|pretty|detail(?:ed|s)?|fuzzy|exact|strict"
    r"|case_?sensitive|reason|rationale|thought|explanation|because|why)$"
)
_CLOCK = re.compile(
    r"\b\d{4}-\d\d-\d\d[t ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:z|[+-]\d\d:?\d\d)?"
    r"|\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?\b|\b1[5-9]\d{8}(?:\d{3})?(?:\.\d+)?\b"
)
_CODE = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|\b(?:0x)?(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b"
    r"|\b(?=[0-9a-z]*\d)(?=[0-9a-z]*[a-z])[0-9a-hjkmnp-tv-z]{26}\b"
)
_NUMBERED = re.compile(
    r"\b(request|req|trace|span|session|correlation|attempt|try|retry|pid|nonce|iteration|round"
    r"|cycle|poll)(?:[ _-]?(?:id|no|nr))?[\s:=#_-]{0,3}(?=[\w-]*\d)[\w-]+"
)
_TOOK = re.compile(
    r"\b(took|elapsed|in|after|for|duration|latency|waited|uptime)[\s:=]{0,2}"
    r"\d+(?:\.\d+)?\s?(?:ms|µs|us|s|secs?|seconds?|m|mins?|minutes?)\b"
    r"|\b\d+(?:\.\d+)?\s?(?:ms|µs)\b|\(\d+(?:\.\d+)?\s?s\)"
)
_SEGMENT = re.compile(r"[\n\r;!?]+|\.{2,}|\.(?=\s|$)")
_WORD = re.compile(r"[^\W_]+(?:[.,:/'-][^\W_]+)*%?|-?\d+(?:\.\d+)?%?")
_TWICE = re.compile(r"\b(\w+)(?: \1\b)+")
_LONG_RUN = re.compile(r"(.)\1{3,}")

_CLEAN = re.compile(
    r"\b(?:no|0|zero|without(?: any)?) (?:issues?|errors?|problems?|warnings?|violations?"
    r"|conflicts?|failures?|failed|defects?|vulnerabilit\w+)\b"
)
_TRANSIENT = re.compile(
    r"\b(?:time[ds]? ?out|unavailable|bad gateway|server error|try again|rate.?limit\w*"
    r"|temporar\w+|busy|overloaded|connection|reset by peer|too many requests)\b"
)
_NOT_YET = re.compile(
    r"\b(?:pending|running|queued|in.progress|processing|not (?:yet|ready|finished|done|complete)"
    r"|waiting|building|starting|scheduled|still)\b"
)
_ERROR = re.compile(
    r"\b(?:error|not approved|exception|traceback|fatal|failed|fails|failure|denied|forbidden"
    r"|unauthori[sz]ed|invalid|refused|cannot|could not)\b"
    r"|\b(?:http|status|code)\W{0,3}[45]\d\d\b|^\W*[45]\d\d [a-z]"
)
_NOTHING = re.compile(
    r"\bno (?:\w+ ){0,2}(?:results?|match(?:es)?|hits?|records?|rows?|items?|documents?|data"
    r"|changes?|progress|entries|answers?|luck|such)\b"
    r"|\bnothing\b|\bnot found\b|^none$|\bnone found\b"
    r"|\b(?:0|zero) (?:\w+ )?(?:results?|hits?|match(?:es)?|rows?|items?|documents?|found)\b"
    r"|\b(?:empty|unchanged|null|does not exist|unknown)\b"
)
_TONES = (
    (Tone.AWAY, _TRANSIENT),
    (Tone.WAIT, _NOT_YET),
    (Tone.EMPTY, _NOTHING),
    (Tone.ERROR, _ERROR),
)
_NAMES_A_THING = re.compile(r"[\d/@_.#-]")


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
    texts = [value for value in arguments.values() if isinstance(value, str) and " " in value]
    longest = max(texts, key=len, default="")
    head = " ".join(longest[: 4 * _HEAD].lower().split())[:_HEAD] if len(longest) > _HEAD else ""
    return Wanted(
        alike=digest(tool, canonical(kept), length=_LENGTH),
        head=digest(head, length=_LENGTH) if head else "",
        items=not texts and any(_names(name, value) for name, value in arguments.items()),
    )


def _is_noise(name: str, value: Any, *, writes: bool) -> bool:
    key = _snake(name)
    if _NOISY_ARGUMENT.match(key):
        return True
    return not writes and (value in (None, "", [], {}) or bool(_KNOB.match(key)))


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
    if _KNOB.match(_snake(name)) or isinstance(value, bool):
        return False
    if isinstance(value, list):
        return any(_names(name, each) for each in cast("list[Any]", value))
    return isinstance(value, int) or (
        isinstance(value, str) and bool(_NAMES_A_THING.search(value[:_MOST_ARGUMENT]))
    )


# --- a result


def said(text: str, arguments: Mapping[str, Any]) -> Said:
    """Return what a result tells, beyond the arguments that it repeats."""
    if len(text) > _MOST_READ:
        text = text[: _MOST_READ // 2] + "\n" + text[-_MOST_READ // 2 :]
    found = _parsed(text)
    echo = frozenset(_echoes(arguments.values()))
    lowered = text.lower()
    clocks = len(_CLOCK.findall(lowered)) > _ENVELOPE
    strict = set(_tokens(found, echo, deep=True, clocks=False))
    mild = set(_tokens(found, echo, deep=False, clocks=clocks))
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
            if not ((deep or not path) and _NOISY_KEY.search(_snake(name))):
                yield from _tokens(inner, echo, deep=deep, clocks=clocks, path=f"{path}.{name}")
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _tokens(inner, echo, deep=deep, clocks=clocks, path=f"{path}[]")
    else:
        text = str(value).lower()
        text = _quietened(text, clocks=clocks, codes=not deep and path.endswith("]"))
        for segment in _SEGMENT.split(text) if isinstance(value, str) else [text]:
            words = " ".join(word for word in _words(segment) if word not in echo)
            if words := _TWICE.sub(r"\1", words):
                yield f"{path}={words}" if path else words


def _quietened(text: str, *, clocks: bool, codes: bool) -> str:
    """Return `text` without what changes each time it is said."""
    if not clocks:
        text = _CLOCK.sub(" ", text)
    if not (codes or clocks):
        text = _CODE.sub(" ", text)
    return _LONG_RUN.sub(r"\1\1\1", _TOOK.sub(" ", _NUMBERED.sub(r"\1", text)))


def _tone(found: Any, tokens: set[str], echo: frozenset[str]) -> Tone:
    gist = found.lower() if isinstance(found, str) else " ".join(sorted(tokens))
    parts = gist[:_GIST].replace("=", " ").replace("_", " ").split()
    words = " ".join(part for part in parts if part.strip("'\":,.") not in echo)
    if not tokens or all(token.endswith(("=none", "=0", "=false")) for token in tokens):
        return Tone.EMPTY if not isinstance(found, str) or not found.strip() else Tone.ACK
    if _CLEAN.search(words):
        return Tone.ACK
    length = len(words.split())
    if length <= _SHORT * _SHORT // 2:
        for tone, pattern in _TONES:
            if pattern.search(words):
                return tone
    return Tone.ACK if length <= _SHORT else Tone.BODY


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _snake(name: str) -> str:
    return _CAMEL.sub("_", name).lower().replace("-", "_")
