"""Spans against steps, one by one."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.traces.collector import Seen
from bench.traces.expected import Step

KINDS: Final = ("run", "turn", "model", "tool", "validation", "gate", "transition", "record")


@dataclass
class Row:
    """What came of one kind of step.

    Attributes:
        missing: Steps without a span.
        more: Spans without a step.
        twice: Spans that were received again.
        wrong: Spans that are not under the right one, not of the right time, or lack something.
    """

    kind: str
    recorded: int = 0
    spans: int = 0
    missing: int = 0
    more: int = 0
    twice: int = 0
    wrong: int = 0

    @property
    def good(self) -> bool:
        """Whether each step is there once, and right."""
        return not (self.missing or self.more or self.twice or self.wrong)


@dataclass
class Verdict:
    """What came of one trace.

    Attributes:
        roots: Spans without one above, of which there has to be one.
        orphans: Spans whose one above is not there.
        traces: Ids of traces that the spans are in.
        faults: What is wrong, a line each.
    """

    rows: dict[str, Row]
    roots: int
    orphans: int
    traces: int
    faults: list[str] = field(default_factory=list[str])

    @property
    def good(self) -> bool:
        """Whether it is one trace with every step once."""
        one = self.roots == 1 and self.traces == 1 and not self.orphans
        return one and all(row.good for row in self.rows.values())


def compare(steps: Sequence[Step], received: Sequence[Seen]) -> Verdict:
    """Compare what is recorded with what was received."""
    spans = {span.id: span for span in received}
    again = Counter(span.id for span in received)
    named = {(step.run, step.name): step.kind for step in steps}
    rows = {kind: Row(kind) for kind in KINDS}
    verdict = Verdict(
        rows,
        roots=sum(not span.parent for span in spans.values()),
        orphans=sum(bool(span.parent) and span.parent not in spans for span in spans.values()),
        traces=len({span.trace for span in spans.values()}),
    )
    recorded: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in steps:
        recorded[step.run, step.name].append(step)
        rows[step.kind].recorded += 1
    found: dict[tuple[str, str], list[Seen]] = defaultdict(list)
    for span in sorted(spans.values(), key=lambda span: (span.start, span.end)):
        found[_run(span, spans), span.name].append(span)
    for key in sorted(recorded.keys() | found.keys()):
        row = rows[named.get(key, "record")]
        row.spans += len(found[key])
        row.twice += sum(again[span.id] - 1 for span in found[key])
        row.missing += max(len(recorded[key]) - len(found[key]), 0)
        row.more += max(len(found[key]) - len(recorded[key]), 0)
        for step, span in zip(recorded[key], found[key], strict=False):
            faults = list(_faults(step, span, spans))
            row.wrong += bool(faults)
            verdict.faults += faults
        if len(recorded[key]) != len(found[key]):
            what = f"{len(recorded[key])} in the history, {len(found[key])} in the trace"
            verdict.faults.append(f"{key[0]}: {key[1]}: {what}")
    return verdict


def _run(span: Seen, spans: dict[str, Seen]) -> str:
    """Return the run that a span belongs to: the nearest above it that is one."""
    here: Seen | None = span
    while here is not None:
        if "holdfast.run.id" in here.attributes:
            return str(here.attributes["holdfast.run.id"])
        here = spans.get(here.parent)
    return ""


def _faults(step: Step, span: Seen, spans: dict[str, Seen]) -> Iterable[str]:
    above = spans.get(span.parent)
    what = f"{step.run}: {step.name} ({span.id})"
    if (above.name if above else "") != step.above:
        yield f"{what} is under {above.name if above else 'nothing'!r}, not {step.above!r}"
    if step.at and step.at not in {span.start, span.end}:
        yield f"{what} is at {span.start}..{span.end}, not at {step.at}"
    for name, value in step.has.items():
        if span.attributes.get(name) != value:
            yield f"{what} has {name} {span.attributes.get(name)!r}, not {value!r}"
