"""An evaluation on a terminal: a line a scorer, then what failed, and why."""

from typing import Any

from rich.table import Table

from commands import console
from commands.console import safe
from commands.evals.comparing import NUMBERS, TIMES, Change, Comparison
from commands.evals.results import PASSED, Case, Evaluation
from commands.evals.statistics import Interval, mean, mean_interval, wilson

_MOST_FAILED = 12
_MOST_REASON = 150


def interval_of(evaluation: Evaluation, scorer: str) -> tuple[Interval, int]:
    """Return a scorer's mean over cases with its interval, and the number of cases.

    One that is all or nothing has Wilson's, else the cases are drawn again.
    """
    means = [value for case in evaluation.cases if (value := case.mean(scorer)) is not None]
    plain = all(
        run.scores[scorer] in {0.0, 1.0}
        for case in evaluation.cases
        for run in case.runs
        if scorer in run.scores
    )
    return (wilson(mean(means), len(means)) if plain else mean_interval(means)), len(means)


def number_of(evaluation: Evaluation, name: str) -> Interval:
    """Return a number's mean over cases with its interval."""
    each = [mean([run.numbers.get(name, 0.0) for run in case.runs]) for case in evaluation.cases]
    return mean_interval(each)


def failed(evaluation: Evaluation) -> list[Case]:
    """Return the cases that did not always pass, the worst first."""
    found = [case for case in evaluation.cases if (case.mean(PASSED) or 0.0) < 1]
    return sorted(found, key=lambda case: (case.mean(PASSED) or 0.0, case.name))


def reason_of(case: Case) -> str:
    """Return why a case did not pass, from its first run that did not."""
    for run in case.runs:
        if run.scores.get(PASSED, 0.0) < 1:
            return "; ".join(f"{name}: {why}" for name, why in sorted(run.reasons.items()))
    return ""


def as_json(
    now: Evaluation, comparison: Comparison | None, alarms: frozenset[str]
) -> dict[str, Any]:
    """Return what is printed for a machine."""
    scores = {}
    for name in now.scorers:
        found, cases = interval_of(now, name)
        scores[name] = {**_rounded(found), "cases": cases}
    told: dict[str, Any] = {
        "agent": now.agent,
        "model": now.model,
        "prompt": now.prompt,
        "stand_in": now.stand_in,
        "repeats": now.repeats,
        "scores": scores,
        "numbers": {name: _rounded(number_of(now, name)) for name in (*NUMBERS, "seconds")},
        "failed": {case.name: reason_of(case) for case in failed(now)},
    }
    if comparison is not None:
        told["changes"] = {change.name: _change(change) for change in comparison.changes}
        told["left_out"] = list(comparison.left_out)
        told["worse"] = sorted(alarms)
    return told


def _rounded(found: Interval) -> dict[str, float]:
    return {
        "mean": round(found.value, 6), "low": round(found.low, 6), "high": round(found.high, 6)
    }  # fmt: skip


def _change(change: Change) -> dict[str, Any]:
    return {
        "before": round(change.before, 6),
        "after": round(change.after, 6),
        "by": _rounded(change.by),
        "p": change.chance,
        "alarm": change.alarm,
    }


def show(now: Evaluation, comparison: Comparison | None, alarms: frozenset[str]) -> None:
    """Print it for a person."""
    console.out().print(_head(now), soft_wrap=True)
    console.out().print(_table(now, comparison, alarms))
    wrong = failed(now)
    for case in wrong[:_MOST_FAILED]:
        why = reason_of(case)
        short = why if len(why) <= _MOST_REASON else f"{why[:_MOST_REASON]}…"
        console.out().print(
            f"[red]✗[/] {safe(case.name)} [dim]{_often(case)}[/] {safe(short)}", soft_wrap=True
        )
    if len(wrong) > _MOST_FAILED:
        console.note(f"and {len(wrong) - _MOST_FAILED} more; --html shows all")
    if now.stand_in:
        console.note(
            "the offline stand-in answered and judged: a program, so this measures the mechanism"
        )
    if comparison is not None:
        _verdict(comparison, alarms)


def _head(now: Evaluation) -> str:
    times = f", each {now.repeats} times" if now.repeats > 1 else ""
    noise = f", noise {now.noise:g} (seed {now.seed})" if now.noise else ""
    return (
        f"[bold]{safe(now.agent)}[/] {safe(now.prompt)}: {len(now.cases)} cases{times}, "
        f"{safe(now.model)}{noise}"
    )


def _table(now: Evaluation, comparison: Comparison | None, alarms: frozenset[str]) -> Table:
    columns = ["", "cases", "score", "95 %"]
    columns += ["before", "change", "95 % ", "p"] if comparison else []
    table = console.table(*columns, right=("cases", "score", "before", "change", "p"))
    changes = {change.name: change for change in comparison.changes} if comparison else {}
    for name in now.scorers:
        found, cases = interval_of(now, name)
        row = [f"[bold]{name}[/]" if name == PASSED else name, f"{cases}", f"{found.value:.0%}"]
        row.append(f"{found.low:.0%} to {found.high:.0%}")
        table.add_row(*row, *_compared(changes.get(name), alarms, comparison))
    for name in (*NUMBERS, "seconds"):
        found = number_of(now, name)
        form = "{:.4f}" if name == "cost_usd" else "{:,.0f}" if name == "tokens" else "{:.1f}"
        row = [name, "", form.format(found.value)]
        row.append(f"{form.format(found.low)} to {form.format(found.high)}")
        table.add_row(*row, *_compared(changes.get(name), alarms, comparison))
    return table


def _compared(
    change: Change | None, alarms: frozenset[str], comparison: Comparison | None
) -> list[str]:
    if comparison is None:
        return []
    if change is None:
        return ["", "", "", ""]
    mark = "[bold red]" if change.name in alarms else ""
    end = "[/]" if mark else ""
    if change.name in NUMBERS:
        by = (
            f"{TIMES}{change.by.value:.2f}",
            f"{TIMES}{change.by.low:.2f} to {TIMES}{change.by.high:.2f}",
        )
        before = f"{change.before:.4g}"
    else:
        by = f"{change.by.value:+.0%}", f"{change.by.low:+.0%} to {change.by.high:+.0%}"
        before = f"{change.before:.0%}"
    return [before, f"{mark}{by[0]}{end}", by[1], f"{change.chance:.3f}"]


def _often(case: Case) -> str:
    passed = sum(run.scores.get(PASSED, 0.0) >= 1 for run in case.runs)
    return f"{passed} of {len(case.runs)}" if len(case.runs) > 1 else ""


def _verdict(comparison: Comparison, alarms: frozenset[str]) -> None:
    for name in comparison.left_out[:_MOST_FAILED]:
        console.warn(f"not compared, since only one of the two has it as it is: {name}")
    if alarms:
        console.out().print(f"[bold red]worse[/] than before: {', '.join(sorted(alarms))}")
    elif comparison.alarms:
        gone = ", ".join(sorted(comparison.alarms))
        console.out().print(f"not worse: {gone} looked so once, and not again")
    else:
        console.out().print("[green]✓[/] not worse than before, beyond noise")
