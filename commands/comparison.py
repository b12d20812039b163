"""What differs between two runs: pure, so that it can be said of any two."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from statistics import median
from typing import Any, Final, NamedTuple, cast

from commands.pages.timeline import Called, ShownTurn
from commands.sides import Side

_MOST_FIELDS: Final = 500
_ABSENT: Final = object()


class Field(NamedTuple):
    """A field of the answers; None where a side does not have it."""

    path: str
    a: str | None
    b: str | None

    @property
    def same(self) -> bool:
        """Whether both have it, alike."""
        return self.a == self.b


class Pair(NamedTuple):
    """Two turns side by side; None where one side has none like the other's.

    Attributes:
        how: `same`: what was said and what came of it; `result`: the same was said, and other
            things came back; `other`: something else was said; `only`: one side alone.
    """

    a: ShownTurn | None
    b: ShownTurn | None
    how: str


class Figure(NamedTuple):
    """A quantity of both runs."""

    name: str
    a: Decimal
    b: Decimal
    unit: str = ""

    @property
    def change(self) -> float | None:
        """By which part of A's B's differs; None where A's is nothing."""
        return float((self.b - self.a) / self.a) if self.a else None


@dataclass(frozen=True)
class Comparison:
    """Two runs, and what differs.

    Attributes:
        kinship: How they are related, in words; empty: not at all.
        common: How many turns they have in common from the beginning.
        diverged: The first thing that differs, in words; empty: nothing does.
    """

    a: Side
    b: Side
    kinship: str
    figures: tuple[Figure, ...]
    fields: tuple[Field, ...]
    pairs: tuple[Pair, ...]
    common: int
    diverged: str
    tools: tuple[tuple[str, int, int], ...]

    @property
    def differing(self) -> tuple[Field, ...]:
        """The fields that differ."""
        return tuple(each for each in self.fields if not each.same)


def compare(a: Side, b: Side) -> Comparison:
    """Return what differs between two runs."""
    common = common_turns(a.turns, b.turns)
    names = sorted({*a.tools, *b.tools})
    return Comparison(
        a=a,
        b=b,
        kinship=_kinship(a, b),
        figures=tuple(_figures(a, b)),
        fields=tuple(fields(a.answer, b.answer)),
        pairs=tuple(aligned(a.turns, b.turns)),
        common=common,
        diverged=_diverged(a, b, common),
        tools=tuple((name, a.tools.get(name, 0), b.tools.get(name, 0)) for name in names),
    )


def _kinship(a: Side, b: Side) -> str:
    if b.forked_from == a.run.run_id:
        return f"B was forked from A after {_inherited(b)} turns"
    if a.forked_from == b.run.run_id:
        return f"A was forked from B after {_inherited(a)} turns"
    if a.forked_from and a.forked_from == b.forked_from:
        return f"both were forked from {a.forked_from}"
    return "" if a.kind == b.kind else f"A is a run of {a.kind}, B of {b.kind}"


def _inherited(side: Side) -> int:
    """Return how many of a fork's turns are those of the run that it was forked from."""
    return sum(turn.took is None for turn in side.turns)


# --- turns


def common_turns(a: Sequence[ShownTurn], b: Sequence[ShownTurn]) -> int:
    """Return how many turns two runs have in common from the beginning, results included."""
    common = 0
    for one, other in zip(a, b, strict=False):
        if said(one) != said(other) or results(one) != results(other):
            break
        common += 1
    return common


def aligned(a: Sequence[ShownTurn], b: Sequence[ShownTurn]) -> Iterator[Pair]:
    """Yield the turns of two runs side by side.

    What both have in common comes first, one to one. After that, turns that call the same tools
    stand beside each other, so that one turn more on a side does not put all others out of step.
    """
    common = common_turns(a, b)
    for one, other in zip(a[:common], b[:common], strict=True):
        yield Pair(one, other, "same")
    rest_a, rest_b = a[common:], b[common:]
    kinds_a, kinds_b = [_kind(turn) for turn in rest_a], [_kind(turn) for turn in rest_b]
    matcher = SequenceMatcher(None, kinds_a, kinds_b, autojunk=False)
    for _, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        left, right = rest_a[a_from:a_to], rest_b[b_from:b_to]
        for at in range(max(len(left), len(right))):
            one = left[at] if at < len(left) else None
            other = right[at] if at < len(right) else None
            yield Pair(one, other, _how(one, other))


def _how(a: ShownTurn | None, b: ShownTurn | None) -> str:
    if a is None or b is None:
        return "only"
    if said(a) != said(b):
        return "other"
    return "same" if results(a) == results(b) else "result"


def said(turn: ShownTurn) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return what the model said: its text, and its calls with their arguments."""
    return turn.text, tuple((call.name, _spelled(call)) for call in turn.calls)


def results(turn: ShownTurn) -> tuple[str | None, ...]:
    """Return what came back of a turn's calls."""
    return tuple(call.result for call in turn.calls)


def _kind(turn: ShownTurn) -> tuple[str, ...]:
    return tuple(call.name for call in turn.calls)


def _spelled(call: Called) -> str:
    """Return a call's arguments, spelled alike where they mean the same."""
    try:
        return json.dumps(json.loads(call.arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return call.arguments


def _diverged(a: Side, b: Side, common: int) -> str:
    """Return the first thing that differs, in words."""
    if common == len(a.turns) == len(b.turns):
        return ""
    where = f"turn {common + 1}"
    if common in {len(a.turns), len(b.turns)}:
        name, other = ("A", "B") if common == len(a.turns) else ("B", "A")
        return f"{where}: {name} made no further model call, {other} went on"
    return f"{where}: {_differs(a.turns[common], b.turns[common])}"


def _differs(a: ShownTurn, b: ShownTurn) -> str:
    if said(a) == said(b):
        pairs = zip(a.calls, b.calls, strict=True)
        changed = next(call.name for call, back in pairs if call.result != back.result)
        return f"both called {changed}, and it said something else"
    if _kind(a) != _kind(b):
        return f"A {_did(a)}, B {_did(b)}"
    if a.calls and a.text == b.text:
        return f"both called {', '.join(_kind(a))}, with other arguments"
    return "the model said something else"


def _did(turn: ShownTurn) -> str:
    return f"called {', '.join(_kind(turn))}" if turn.calls else "answered"


# --- what they came to


def fields(a: Any, b: Any) -> list[Field]:
    """Return the fields of two answers, in A's order and then B's; a text is one field."""
    left, right = dict(_flat(a)), dict(_flat(b))
    paths = list(dict.fromkeys([*left, *right]))
    found = [
        Field(path, _text(left.get(path, _ABSENT)), _text(right.get(path, _ABSENT)))
        for path in paths
    ]
    # Of very many those that differ are what is looked for.
    return sorted(found, key=lambda each: each.same)[:_MOST_FIELDS] if _many(found) else found


def _many(found: Sequence[Field]) -> bool:
    return len(found) > _MOST_FIELDS


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, inner in cast("Mapping[str, Any]", value).items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple) and value:
        for at, inner in enumerate(cast("Sequence[Any]", value)):
            yield from _flat(inner, f"{path}[{at}]")
    elif value is not None or path:
        yield path or "answer", value


def _text(value: Any) -> str | None:
    if value is _ABSENT:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


# --- what they took


def _figures(a: Side, b: Side) -> Iterator[Figure]:
    yield Figure("model calls", Decimal(a.spend.steps), Decimal(b.spend.steps))
    yield _counted("tool calls", a, b, lambda side: sum(len(turn.calls) for turn in side.turns))
    yield Figure("tokens", Decimal(a.spend.tokens), Decimal(b.spend.tokens))
    yield Figure("cost", a.spend.cost_usd, b.spend.cost_usd, "usd")
    yield _timed("from start to end", a.seconds, b.seconds)
    yield _timed("in model calls", sum(a.model_seconds), sum(b.model_seconds))
    yield _timed("a model call, median", _middle(a.model_seconds), _middle(b.model_seconds))
    yield _timed("a model call, 95 %", p95(a.model_seconds), p95(b.model_seconds))
    yield _counted("model calls tried again", a, b, lambda side: side.retried)
    yield _counted("refused by guards", a, b, lambda side: side.refused)
    yield _counted("decisions", a, b, lambda side: len(side.decisions))
    yield _counted("runs below", a, b, lambda side: side.below)


def _counted(name: str, a: Side, b: Side, count: Callable[[Side], int]) -> Figure:
    return Figure(name, Decimal(count(a)), Decimal(count(b)))


def _timed(name: str, a: float, b: float) -> Figure:
    return Figure(name, Decimal(str(round(a, 3))), Decimal(str(round(b, 3))), "s")


def _middle(seconds: Sequence[float]) -> float:
    return median(seconds) if seconds else 0.0


def p95(seconds: Sequence[float]) -> float:
    """Return the time that 95 % of the calls took at most; of few, the longest."""
    if not seconds:
        return 0.0
    ordered = sorted(seconds)
    return ordered[min(-(-len(ordered) * 95 // 100), len(ordered)) - 1]
