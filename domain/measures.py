"""What is measured of a closed run: the table of the fleet's numbers, and how one is added to.

They are counted in the database, once a run, so they outlive every worker: a run that closes twice
an hour would never show in a counter that each restart begins anew. Amounts are whole numbers of a
measure's smallest unit, so that sums are exact in whatever order they are made.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, NamedTuple

OTHER: Final = "other"
"""What a label says that is outside its bounded set."""

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_SECONDS: Final = (
    1, 2.5, 5, 10, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 4 * _HOUR,
    12 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY,
)  # fmt: skip
_USD: Final = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 50)
_TOKENS: Final = (
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 10_000_000,
)  # fmt: skip
_STEPS: Final = (1, 2, 3, 5, 8, 13, 20, 30, 50, 100, 250)
_SHARES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


class Amount(NamedTuple):
    """What is added to one series.

    Attributes:
        labels: Values, in the order of the measure's labels; a bucket's bound behind them.
        units: Whole number of the measure's smallest unit.
    """

    name: str
    labels: tuple[str, ...]
    units: int


@dataclass(frozen=True)
class Measure:
    """One metric.

    Attributes:
        name: As Prometheus has it, without `_total`.
        buckets: Upper bounds; none for a counter.
        per_unit: Smallest units in one.
        most: Sets of labels that are kept at most, where a label's values are not a closed set
            of the code's; what comes after them is counted as `other`.
    """

    name: str
    about: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()
    per_unit: int = 1
    most: int = 0

    @property
    def kind(self) -> Literal["counter", "histogram"]:
        """What Prometheus calls it."""
        return "histogram" if self.buckets else "counter"

    def once(self, *labels: str, times: int = 1) -> list[Amount]:
        """Return what is added where something happened."""
        return [Amount(self.name, labels, times)] if times else []

    def seen(self, value: float | Decimal, *labels: str) -> list[Amount]:
        """Return what is added where a value was observed: its bucket, and the sum."""
        bound = next((_bound(most) for most in self.buckets if value <= most), "+Inf")
        total = round(Decimal(str(value)) * self.per_unit)
        return [
            Amount(f"{self.name}_bucket", (*labels, bound), 1),
            Amount(f"{self.name}_sum", labels, total),
        ]

    @property
    def bounds(self) -> tuple[str, ...]:
        """The buckets as labels, in order."""
        return (*map(_bound, self.buckets), "+Inf")


def _bound(most: float) -> str:
    return str(float(most))


_MICRO, _NANO = 10**6, 10**9

OUTCOMES: Final = Measure("holdfast_run_outcomes", "Runs that have closed.", ("agent", "outcome"))
BY_TENANT: Final = Measure(
    "holdfast_run_tenant_outcomes", "Runs that have closed, by tenant.", ("tenant", "outcome")
)
DURATION: Final = Measure(
    "holdfast_run_duration_seconds", "From a run's start to its end, waits included.",
    ("agent",), _SECONDS, _MICRO,
)  # fmt: skip
WORKING: Final = Measure(
    "holdfast_run_working_seconds", "The same without the time that it waited for people.",
    ("agent",), _SECONDS, _MICRO,
)  # fmt: skip
COST: Final = Measure(
    "holdfast_run_cost_usd", "Price of a run, with the runs below it.", ("agent",), _USD, _NANO
)
TOKENS: Final = Measure(
    "holdfast_run_tokens", "Tokens of a run, with the runs below it.", ("agent",), _TOKENS
)
STEPS: Final = Measure(
    "holdfast_run_steps", "Model calls of a run, with the runs below it.", ("agent",), _STEPS
)
ASKED: Final = Measure(
    "holdfast_run_approvals_asked", "Questions put before a person.", ("agent", "kind")
)
ANSWERED: Final = Measure(
    "holdfast_run_approvals_answered", "Questions by what was decided; silence is a time-out.",
    ("agent", "kind", "verdict"),
)  # fmt: skip
WAIT: Final = Measure(
    "holdfast_run_approval_wait_seconds", "From a question to its answer, or to silence.",
    ("kind",), _SECONDS, _MICRO,
)  # fmt: skip
ESCALATIONS: Final = Measure(
    "holdfast_run_escalations", "What a run could not settle by itself.", ("agent", "kind")
)
REJECTIONS: Final = Measure(
    "holdfast_run_rejections", "Calls and answers that a guard refused.", ("agent", "by")
)
CONFIDENCE: Final = Measure(
    "holdfast_run_field_confidence_ratio", "How probable a field of an answer was, 0 to 1.",
    ("agent", "field"), _SHARES, _MICRO, most=200,
)  # fmt: skip
CLASSES: Final = Measure(
    "holdfast_run_answer_classes", "Answers by the class that was chosen.",
    ("agent", "field", "class"), most=500,
)  # fmt: skip

MEASURES: Final = (
    OUTCOMES, BY_TENANT, DURATION, WORKING, COST, TOKENS, STEPS, ASKED, ANSWERED, WAIT,
    ESCALATIONS, REJECTIONS, CONFIDENCE, CLASSES,
)  # fmt: skip
