"""Whether an audit log is as it was written; and where not, which line, and what was done to it."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, cast

from commands.audited.sealed import FIRST, LAST, is_whole
from runtime.signing import Checker

Fault = Literal["altered", "removed", "moved", "repeated", "put in", "cut off", "other key"]


class Wrong(NamedTuple):
    """One thing that is wrong.

    Attributes:
        line: Of the file, from 1; of what is missing, the line before which it stood.
        told: What is wrong, in a sentence.
    """

    line: int
    fault: Fault
    told: str


class _Line(NamedTuple):
    """A line that is as it was written: its place in the file, and the place that it states."""

    at: int
    seq: int
    log: str
    kind: str


@dataclass
class Checked:
    """What a check came to.

    Attributes:
        entries: What the log holds, without its first and last line, where it is whole.
        signed_by: The fingerprint that the first line names; whether rightly so is checked.
        first: The first line, where it is as it was written.
        last: The last one.
    """

    wrong: list[Wrong] = field(default_factory=list[Wrong])
    lines: int = 0
    signed_by: str = ""
    first: dict[str, Any] = field(default_factory=dict[str, Any])
    last: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def holds(self) -> bool:
        """Whether it is as it was written, whole and in order."""
        return not self.wrong


def check(raw_lines: Iterable[bytes], checker: Checker) -> Checked:
    """Return what is wrong with a log, in the order of its lines.

    Args:
        raw_lines: The lines of the file, with or without their ends.
        checker: The key that it must be signed with.
    """
    found, whole, altered = Checked(), list[_Line](), dict[int, dict[str, Any]]()
    for at, raw in enumerate(raw_lines, 1):
        found.lines = at
        line = _parsed(raw.removesuffix(b"\n"))
        if at == 1:
            found.signed_by = str(line.get("key", ""))
        if is_whole(line, raw.removesuffix(b"\n"), checker):
            whole.append(_Line(at, line["seq"], line["log"], line["kind"]))
            found.first = line if line["kind"] == FIRST else found.first
            found.last = line if line["kind"] == LAST else found.last
        else:
            altered[at] = line
    if not whole:
        return _by_nobody(found, checker)
    _compare(found, whole, altered)
    found.wrong.sort(key=lambda wrong: wrong.line)
    return found


def _by_nobody(found: Checked, checker: Checker) -> Checked:
    told = (
        f"no line of it is signed with the key {checker.fingerprint}; its first line names "
        f"{found.signed_by or 'none'}"
    )
    found.wrong.append(Wrong(1, "other key", told))
    return found


def _compare(found: Checked, whole: list[_Line], altered: dict[int, dict[str, Any]]) -> None:
    """Note what differs between the lines that are there and those that were written."""
    log = whole[0].log
    strangers = [line for line in whole if line.log != log]
    for line in strangers:
        told = f"line {line.at} is entry {line.seq} of another log ({line.log}): it was put in"
        found.wrong.append(Wrong(line.at, "put in", told))
    own, seen = list[_Line](), set[int]()
    for line in whole:
        if line.log != log:
            continue
        if line.seq in seen:
            told = f"line {line.at} repeats entry {line.seq}"
            found.wrong.append(Wrong(line.at, "repeated", told))
            continue
        seen.add(line.seq)
        own.append(line)
    places = _places(own, altered)
    for at, seq in places.items():
        seen.add(seq)
        told = f"line {at} (entry {seq}) was altered: its content does not fit its signature"
        found.wrong.append(Wrong(at, "altered", told))
    for at in sorted(altered.keys() - places.keys()):
        told = f"line {at} was put in: no entry is missing whose place it could have"
        found.wrong.append(Wrong(at, "put in", told))
    _missing(found, own, places, seen)
    for line in _moved(own):
        told = f"line {line.at} is entry {line.seq}: it was moved"
        found.wrong.append(Wrong(line.at, "moved", told))


def _places(own: Sequence[_Line], altered: dict[int, dict[str, Any]]) -> dict[int, int]:
    """Return which entry each altered line was: what it states, else what its place says."""
    there = {line.seq for line in own}
    lacking = set(range(max(there))) - there
    found: dict[int, int] = {}
    for at, line in sorted(altered.items()):
        before = max((each for each in own if each.at < at), key=lambda e: e.at, default=None)
        here = (before.seq + at - before.at) if before else at - 1
        stated = line.get("seq")
        seq = stated if isinstance(stated, int) and stated in lacking else here
        if seq not in there:
            found[at] = seq
            there.add(seq)
            lacking.discard(seq)
    return found


def _missing(found: Checked, own: Sequence[_Line], places: dict[int, int], seen: set[int]) -> None:
    ends = [line.seq for line in own if line.kind == LAST]
    stands = {line.seq: line.at for line in own} | {seq: at for at, seq in places.items()}
    whole = ends[0] + 1 if ends else max(seen) + 1
    for first, last in _stretches([seq for seq in range(whole) if seq not in seen]):
        line = stands.get(last + 1, found.lines)
        what = f"entry {first} was" if first == last else f"entries {first} to {last} were"
        found.wrong.append(Wrong(line, "removed", f"{what} removed, before line {line}"))
    last_line = found.lines
    if not ends and places.get(last_line) != max(seen):
        told = f"the end is missing: the file was cut off after line {last_line}"
        found.wrong.append(Wrong(last_line, "cut off", told))


def _stretches(numbers: Sequence[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _moved(own: Sequence[_Line]) -> list[_Line]:
    """Return the fewest lines that, put elsewhere, would leave the others in order."""
    tails, ends = list[int](), list[int]()
    before: list[int] = []
    for at, line in enumerate(own):
        length = bisect_left(tails, line.seq)
        before.append(ends[length - 1] if length else -1)
        tails[length:] = [line.seq, *tails[length + 1 :]]
        ends[length:] = [at, *ends[length + 1 :]]
    kept, at = set[int](), ends[-1] if ends else -1
    while at >= 0:
        kept.add(at)
        at = before[at]
    return [line for at, line in enumerate(own) if at not in kept]


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
