"""What Prometheus has against what the histories say, a row a metric."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from rich.table import Table

from bench.metrics.expected import Labels, Numbers
from bench.metrics.prometheus import Prometheus

# By how much times may differ, as a share, and in seconds a series: of a run that was cut off the
# history has the beginning of the task alone, while its clock went on as its checks ran.
_TIMES: Final = 0.03
_SLACK_S: Final = 2.0
_EXACT: Final = 1e-9


@dataclass(frozen=True)
class Row:
    """One metric.

    Attributes:
        by: Labels that are told apart.
        over: `max` where every worker says the same, `sum` where each says its own.
        near: By how much values may differ, as a share.
    """

    name: str
    by: tuple[str, ...]
    over: str = "max"
    near: float = _EXACT


@dataclass(frozen=True)
class Compared:
    """What came of one.

    Attributes:
        wrong: Labels whose values differ: found, expected.
    """

    row: Row
    series: int
    total: float
    wrong: tuple[tuple[Labels, float, float], ...]


ROWS: Final = (
    Row("holdfast_run_outcomes_total", ("agent", "outcome")),
    Row("holdfast_run_tenant_outcomes_total", ("tenant", "outcome")),
    *(
        Row(f"holdfast_run_{of}_{part}", ("agent",) + (("le",) if part == "bucket" else ()))
        for of in ("cost_usd", "tokens", "steps")
        for part in ("count", "sum", "bucket")
    ),
    *(
        Row(f"holdfast_run_{of}_seconds_{part}", ("agent",), near=near)
        for of in ("duration", "working")
        for part, near in (("count", _EXACT), ("sum", _TIMES))
    ),
    Row("holdfast_run_duration_seconds_bucket", ("agent", "le")),
    Row("holdfast_run_approvals_asked_total", ("agent",)),
    Row("holdfast_run_approvals_answered_total", ("agent", "verdict")),
    Row("holdfast_run_approval_wait_seconds_count", ()),
    Row("holdfast_run_approval_wait_seconds_sum", (), near=_TIMES),
    Row("holdfast_run_escalations_total", ("agent", "kind")),
    Row("holdfast_run_rejections_total", ("agent", "by")),
    Row("holdfast_run_field_confidence_ratio_count", ("agent", "field")),
    Row("holdfast_run_field_confidence_ratio_sum", ("agent", "field"), near=1e-4),
    Row("holdfast_run_answer_classes_total", ("agent", "field", "class")),
    Row("holdfast_fleet_dead_letters", ("state",)),
    Row("holdfast_breaker_state", ("name",)),
    Row("holdfast_breaker_refusals_total", ("name",), "sum"),
    Row("holdfast_model_calls_total", ("agent", "outcome"), "sum"),
    Row("holdfast_model_tokens_total", ("agent", "direction"), "sum"),
    Row("holdfast_model_cost_usd_total", ("agent", "model"), "sum"),
    Row("holdfast_spend_usd_total", ("tenant", "model"), "sum"),
    Row("holdfast_spend_tokens_total", ("tenant", "model"), "sum"),
    Row("holdfast_model_cache_lookups_total", ("agent", "result"), "sum"),
    Row("holdfast_context_utilisation_ratio_count", ("agent",), "sum"),
    Row("holdfast_context_utilisation_ratio_sum", ("agent",), "sum"),
    Row("holdfast_tool_calls_total", ("tool", "outcome"), "sum"),
    Row("holdfast_activity_retries_total", ("activity",), "sum"),
    Row("holdfast_transcript_misses_total", (), "sum"),
    Row("holdfast_approvals_total", ("verdict",), "sum"),
    Row("holdfast_guardrail_rejections_total", ("by",), "sum"),
)


async def compared(running: Prometheus, expected: Numbers) -> list[Compared]:
    """Return what each row came to."""
    return [await _compared(running, row, expected.get(row.name, {})) for row in ROWS]


async def _compared(running: Prometheus, row: Row, wanted: dict[Labels, float]) -> Compared:
    inner = ", ".join(row.by)
    # Two workers' pages are read at different moments; the larger is the later. Over a sum the
    # workers that have left count with the last that was read of them.
    # A breaker's state goes up and down: it is as it is.
    read = row.name if row.name == "holdfast_breaker_state" else f"max_over_time({row.name}[2h])"
    found: dict[Labels, float] = {}
    for one in await running.ask(f"{row.over} by ({inner}) ({read})"):
        labels = tuple(sorted(one["metric"].items()))
        found[labels] = float(one["value"][1])
    if row.by and "le" in row.by:
        found = {key: value for key, value in found.items() if key in wanted}
    wrong = [
        (key, found.get(key, 0), wanted.get(key, 0))
        for key in sorted({*found, *wanted})
        if not _near(found.get(key, 0), wanted.get(key, 0), row.near)
    ]
    return Compared(row, len({*found, *wanted}), sum(found.values()), tuple(wrong))


def _near(found: float, wanted: float, near: float) -> bool:
    slack = _SLACK_S if near == _TIMES else _EXACT
    return abs(found - wanted) <= max(slack, near * abs(wanted))


def table(rows: Iterable[Compared]) -> Table:
    """Return what is printed."""
    shown = Table(box=None, header_style="dim")
    shown.add_column("metric")
    shown.add_column("over workers")
    for name in ("series", "total", "equal"):
        shown.add_column(name, justify="right")
    for each in rows:
        equal = each.series - len(each.wrong)
        colour = "red" if each.wrong else "green"
        by = f"[dim]{{{', '.join(each.row.by)}}}[/]" if each.row.by else ""
        shown.add_row(
            f"{each.row.name}{by}",
            each.row.over,
            str(each.series),
            f"{each.total:,.6g}",
            f"[{colour}]{equal} of {each.series}[/]",
        )
    return shown
