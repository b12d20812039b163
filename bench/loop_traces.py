"""Made-up traces of runs, labelled: those that go in circles, and honest ones that look like it.

A seed makes the same traces everywhere. What the tools say is drawn from sentences of which one
half is for seeds under 1,000, by which the detector was made, and the other half for the rest.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bench.loop_words import (
    EMPTY,
    ERRORS,
    FAIL,
    NOTES,
    NOUNS,
    PLAIN,
    READS,
    SUBJECTS,
    TRANSIENT,
)

HELD_OUT: Final = 1_000
LONG: Final = 9  # times that a circle goes round in a trace, if nothing stops it


@dataclass(frozen=True)
class Act:
    """One call and what came of it."""

    tool: str
    arguments: dict[str, Any]
    result: str
    writes: bool = False
    polling: bool = False
    ok: bool = True


@dataclass
class Trace:
    """A run's calls, and what is true of them.

    Attributes:
        onset: Calls before the circle begins; nothing in an honest trace.
        period: Calls of one round.
    """

    family: str
    loops: bool
    acts: list[Act] = field(default_factory=list[Act])
    onset: int = 0
    period: int = 1


class Words:
    """What tools of one world say."""

    def __init__(self, seed: int) -> None:
        # A generator of test data: the same seed must make the same everywhere.
        self.random = random.Random(seed)
        self._half = int(seed >= HELD_OUT)

    def pick(self, options: Sequence[str]) -> str:
        """Return one of this half of `options`."""
        return self.random.choice(options[self._half :: 2])

    def code(self, length: int = 12) -> str:
        """Return a random id."""
        return "".join(self.random.choice("0123456789abcdef") for _ in range(length))

    def clock(self, minute: int) -> str:
        """Return a time that many minutes and some seconds after midnight."""
        second = self.random.randrange(60)
        return (
            f"2026-03-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:{second:02}Z"
        )

    def chance(self, share: float) -> bool:
        """Return yes with that probability."""
        return self.random.random() < share

    def number(self, low: int, high: int) -> int:
        """Return a number."""
        return self.random.randint(low, high)

    def text(self, least: int = 12) -> str:
        """Return a sentence or two that were not said before."""
        words = [self.random.choice(NOUNS) for _ in range(least)]
        return f"{' '.join(words).capitalize()} {self.number(10, 9_999)}."


def _call(words: Words) -> tuple[str, dict[str, Any]]:
    """Return some call of a read."""
    tool = words.pick(READS)
    return tool, words.random.choice(
        [
            {"query": words.pick(SUBJECTS), "limit": 10},
            {"path": f"src/{words.random.choice(NOUNS)}.py", "encoding": "utf-8"},
            {"account_id": words.number(100, 999), "currency": "EUR"},
            {"key": words.random.choice(NOUNS), "exact": True},
        ]
    )


def _before(words: Words) -> list[Act]:
    """Return some honest calls that a run begins with."""
    acts: list[Act] = []
    for _ in range(words.number(0, 4)):
        tool, arguments = _call(words)
        arguments["part"] = words.number(1, 9_999)
        acts.append(Act(tool, arguments, words.text()))
    return acts


def _circle(words: Words, family: str, rounds: Callable[[int], list[Act]]) -> Trace:
    trace = Trace(family, loops=True, acts=_before(words))
    trace.onset, trace.period = len(trace.acts), len(rounds(0))
    for number in range(LONG):
        trace.acts += rounds(number)
    return trace


def _honest(words: Words, family: str, acts: list[Act]) -> Trace:
    return Trace(family, loops=False, acts=[*_before(words), *acts])


# --- circles


def repeat(words: Words) -> Trace:
    """One call, one result."""
    (tool, arguments), result = _call(words), words.pick(PLAIN + EMPTY + ERRORS)
    return _circle(words, "repeat", lambda _: [Act(tool, arguments, result)])


def repeat_with_clock(words: Words) -> Trace:
    """The result has a time, a request's id, a duration in it, or its list in another order."""
    tool, arguments = _call(words)
    shape, said, start = words.number(0, 4), words.pick(EMPTY + PLAIN), words.number(0, 900)
    rows = [{"city": noun, "stock": words.number(0, 9)} for noun in words.random.sample(NOUNS, 4)]

    def result(number: int) -> str:
        clock = words.clock(start + number)
        took = words.number(3, 900)
        return (
            json.dumps({"result": said, "request_id": words.code(), "timestamp": clock}),
            f"[{clock}] {said} (request {words.code(8)}, took {took} ms)",
            json.dumps({"elapsed_s": took / 1000, "traceId": words.code(32), "data": said}),
            json.dumps({"rows": words.random.sample(rows, 4), "servedAt": clock}),
            f"{said}\nattempt {number + 1}, session {words.code(10)}",
        )[shape]

    return _circle(words, "repeat, noise", lambda n: [Act(tool, arguments, result(n))])


def repeat_respelled(words: Words) -> Trace:
    """The same arguments in another order, with other spaces, letters, or a nonce."""
    tool, said = words.pick(READS), words.pick(PLAIN + EMPTY)
    subject, shape = words.pick(SUBJECTS), words.number(0, 3)

    def arguments(number: int) -> dict[str, Any]:
        pairs = [("query", subject), ("limit", 5), ("lang", "en")]
        spelled = [subject, subject.upper(), subject.title(), f"{subject}?", f'"{subject}"']
        return (
            dict(words.random.sample(pairs, 3)),
            {"query": subject.replace(" ", " " * (1 + number % 3), 1) + " " * (number % 2)},
            {"query": spelled[number % 5]},
            {"query": subject, "request_id": words.code(), "attempt": number + 1},
        )[shape]

    return _circle(words, "repeat, respelled", lambda n: [Act(tool, arguments(n), said)])


def ping_pong(words: Words) -> Trace:
    """Two or three calls take turns, each tells what it told."""
    period = words.number(2, 3)
    noisy = words.chance(0.5)
    ring = [(*_call(words), words.pick(PLAIN + EMPTY + ERRORS)) for _ in range(period)]
    for at, (_, arguments, _said) in enumerate(ring):
        arguments["part"] = at

    def round_(number: int) -> list[Act]:
        stamp = f" [{words.clock(number)}]" if noisy else ""
        return [Act(tool, arguments, said + stamp) for tool, arguments, said in ring]

    return _circle(words, f"ping-pong of {period}", round_)


def write_back_and_forth(words: Words) -> Trace:
    """One edit is made and taken back, again and again."""
    path = f"src/{words.random.choice(NOUNS)}.py"
    one, other = words.text(4), words.text(4)
    failed = words.pick(FAIL)

    def round_(_: int) -> list[Act]:
        return [
            Act("edit", {"path": path, "text": one}, "ok", writes=True),
            Act("run_tests", {}, failed),
            Act("edit", {"path": path, "text": other}, "ok", writes=True),
            Act("run_tests", {}, failed),
        ]

    return _circle(words, "edit and take back", round_)


def near_repeat(words: Words) -> Trace:
    """Tiny changes to the arguments, one and the same outcome."""
    tool, subject = words.pick(("search", "query", "find", "lookup_text")), words.pick(SUBJECTS)
    said, echoes, shape = words.pick(EMPTY), words.chance(0.4), words.number(0, 2)
    ends = ("", " please", " details", " list", " info", " 2026", " overview", " page", " full")

    def round_(number: int) -> list[Act]:
        arguments: dict[str, Any] = {"query": subject}
        if shape == 0:
            arguments["query"] = subject + ends[number % len(ends)]
        elif shape == 1:
            arguments["limit"] = 10 * (number + 1)
        else:
            at = number % len(subject)
            arguments["query"] = subject[:at] + subject[at + 1 :]
        result = f"No results for {arguments['query']!r}" if echoes else said
        return [Act(tool, arguments, result)]

    return _circle(words, "near-repeat", round_)


def growing(words: Words) -> Trace:
    """The text grows, what it says does not."""
    (tool, arguments), line = _call(words), words.pick(NOTES)
    shape, start = words.number(0, 3), words.number(0, 900)
    thought = words.text(8)

    def round_(number: int) -> list[Act]:
        times = range(number + 1)
        text = thought + " So I should think about this again." * number
        act = (
            Act(tool, arguments, "\n".join(f"{words.clock(start + n)} {line}" for n in times)),
            Act(tool, arguments, f"{line}. " * (number + 1)),
            Act(tool, arguments, "\n".join(f"attempt {n + 1}: {line}" for n in times)),
            Act("think", {"text": text}, words.pick(("noted", "ok"))),
        )[shape]
        return [act]

    return _circle(words, "growing text", round_)


def failing(words: Words) -> Trace:
    """One call fails in turns with this and that, or several fail in turns."""
    if words.chance(0.5):
        tool, arguments = _call(words)
        errors = [words.pick(ERRORS), words.pick(TRANSIENT)]
        return _circle(words, "errors, one call", lambda n: [Act(tool, arguments, errors[n % 2])])
    ring = [(*_call(words), error) for error in words.random.sample(ERRORS, 2)]
    for at, (_, arguments, _said) in enumerate(ring):
        arguments["part"] = at
    return _circle(words, "errors, in turns", lambda _: [Act(*each, ok=False) for each in ring])


CIRCLES: Final = (
    repeat, repeat_with_clock, repeat_respelled, ping_pong, write_back_and_forth, near_repeat,
    growing, failing,
)  # fmt: skip


def honest_of(words: Words, family: str, acts: list[Act]) -> Trace:
    """Return an honest trace: `bench/loop_honest.py` has what they do."""
    return _honest(words, family, acts)
