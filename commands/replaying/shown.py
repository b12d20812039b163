"""What the gate has found, as a person reads it: runs with the same fate together."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from commands import console
from commands.console import safe
from commands.replaying.verdict import MEANING, Fate, Verdict

_NAMED = 5
_WORST_FIRST = (Fate.FAILS, Fate.WAITS, Fate.STOPS)
_MARKS = {Fate.FAILS: "[red]✗[/]", Fate.WAITS: "[red]✗[/]", Fate.STOPS: "[yellow]![/]"}


def show(verdicts: Sequence[Verdict]) -> None:
    """Print who would not go on, and why, then the rest in one line."""
    groups: dict[tuple[Fate, str, tuple[str, ...]], list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.fate is not Fate.FITS:
            groups[verdict.fate, verdict.run.workflow, verdict.why].append(verdict)
    ranked = sorted(
        groups.items(), key=lambda each: (_WORST_FIRST.index(each[0][0]), -len(each[1]))
    )
    for (fate, workflow, why), found in ranked:
        _show_group(fate, workflow, why, found)
    well = sum(verdict.fate is Fate.FITS for verdict in verdicts)
    events = sum(verdict.events for verdict in verdicts)
    mark = "[green]✓[/]" if well else "-"
    console.out().print(
        f"{mark} {_runs(well)} of {len(verdicts)} go on ({events:,} events replayed)"
    )


def _show_group(fate: Fate, workflow: str, why: Iterable[str], found: Sequence[Verdict]) -> None:
    out = console.out()
    agents = _counted(verdict.run.agent for verdict in found)
    states = _counted(verdict.run.state for verdict in found)
    about = "; ".join(part for part in (agents, states) if part)
    head = f"{_MARKS[fate]} [bold]{_runs(len(found))} {fate.value}[/]: {safe(workflow)}"
    out.print(head + (f" ({safe(about)})" if about else ""), soft_wrap=True)
    for sentence in why:
        out.print(f"    {safe(sentence)}", soft_wrap=True)
    named = [_named(verdict) for verdict in found[:_NAMED]]
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    out.print(f"    [dim]{safe(', '.join(named) + more)}[/]", soft_wrap=True)
    out.print(f"    each {MEANING[fate]}", soft_wrap=True)


def _named(verdict: Verdict) -> str:
    name = verdict.run.source or verdict.run.run_id
    return f"{name} (event {verdict.event})" if verdict.event else name


def _runs(count: int) -> str:
    return f"{count:,} run" if count == 1 else f"{count:,} runs"


def _counted(words: Iterable[str]) -> str:
    counts = Counter(word for word in words if word)
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{word} {count}" for word, count in counts.most_common())


def as_json(verdicts: Sequence[Verdict], left_out: int) -> dict[str, Any]:
    """Return what was found as JSON types; runs that go on are counted only."""
    bad = [verdict for verdict in verdicts if verdict.fate is not Fate.FITS]
    return {
        "replayed": len(verdicts),
        "events": sum(verdict.events for verdict in verdicts),
        "left_out": left_out,
        "go_on": len(verdicts) - len(bad),
        "runs": [
            {
                "run_id": verdict.run.run_id,
                "execution": verdict.run.execution,
                "workflow": verdict.run.workflow,
                "agent": verdict.run.agent,
                "state": verdict.run.state,
                "source": verdict.run.source,
                "fate": verdict.fate.name.lower(),
                "event": verdict.event,
                "why": list(verdict.why),
            }
            for verdict in bad
        ],
    }
