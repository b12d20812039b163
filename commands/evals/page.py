"""An evaluation as one self-contained HTML page."""

from typing import Any, NamedTuple

from commands.evals.comparing import NUMBERS, TIMES, Change, Comparison
from commands.evals.results import PASSED, Case, Evaluation
from commands.evals.statistics import Interval
from commands.evals.telling import failed, interval_of, number_of
from commands.pages import sheet


class Line(NamedTuple):
    """A scorer, or a number, as a row."""

    name: str
    cases: int
    value: str
    interval: str
    before: str
    by: str
    by_interval: str
    chance: str
    tone: str
    place: tuple[float, float, float]


class Shown(NamedTuple):
    """A case as a row: of which runs so many passed, then before."""

    case: Case
    passed: int
    before: str
    tone: str


def evaluation_page(
    now: Evaluation,
    before: Evaluation | None,
    comparison: Comparison | None,
    alarms: frozenset[str],
) -> str:
    """Return the page of an evaluation, compared with the one before where there is one."""
    changes = {change.name: change for change in comparison.changes} if comparison else {}
    scores = [_score(now, name, changes.get(name), alarms) for name in now.scorers]
    numbers = [_number(now, name, changes.get(name), alarms) for name in (*NUMBERS, "seconds")]
    old = {case.name: case for case in before.cases} if before else {}
    wrong = {case.name for case in failed(now)}
    ordered = sorted(now.cases, key=lambda case: (case.name not in wrong, case.name))
    values: dict[str, Any] = {
        "now": now,
        "before": before,
        "comparison": comparison,
        "alarms": sorted(alarms),
        "scores": scores,
        "numbers": numbers,
        "cases": [_shown(case, old.get(case.name)) for case in ordered],
        "passed": interval_of(now, PASSED)[0],
    }
    return sheet.render("evaluation.html.jinja", **values)


def _score(now: Evaluation, name: str, change: Change | None, alarms: frozenset[str]) -> Line:
    found, cases = interval_of(now, name)
    told = ("", "", "", "")
    if change is not None:
        told = (
            f"{change.before:.0%}",
            f"{change.by.value:+.0%}",
            f"{change.by.low:+.0%} to {change.by.high:+.0%}",
            f"{change.chance:.3f}",
        )
    return Line(
        name,
        cases,
        f"{found.value:.0%}",
        f"{found.low:.0%} to {found.high:.0%}",
        *told,
        _tone(name, alarms, found),
        (found.low * 100, found.high * 100, found.value * 100),
    )


def _number(now: Evaluation, name: str, change: Change | None, alarms: frozenset[str]) -> Line:
    found = number_of(now, name)
    form = "{:.5f}" if name == "cost_usd" else "{:,.0f}" if name == "tokens" else "{:.2f}"
    told = ("", "", "", "")
    if change is not None:
        told = (
            form.format(change.before),
            f"{TIMES}{change.by.value:.2f}",
            f"{TIMES}{change.by.low:.2f} to {TIMES}{change.by.high:.2f}",
            f"{change.chance:.3f}",
        )
    return Line(
        name,
        len(now.cases),
        form.format(found.value),
        f"{form.format(found.low)} to {form.format(found.high)}",
        *told,
        "bad" if name in alarms else "calm",
        (0, 0, 0),
    )


def _tone(name: str, alarms: frozenset[str], found: Interval) -> str:
    if name in alarms:
        return "bad"
    return "good" if found.value >= 1 else "warn"


def _shown(case: Case, old: Case | None) -> Shown:
    passed = sum(run.scores.get(PASSED, 0.0) >= 1 for run in case.runs)
    was = old.mean(PASSED) if old and old.identity == case.identity else None
    tone = "good" if passed == len(case.runs) else "bad" if passed == 0 else "warn"
    return Shown(case, passed, "" if was is None else f"{was:.0%}", tone)
