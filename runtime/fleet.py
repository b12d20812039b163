"""The fleet's numbers on a worker's page: what the database and the server say of all workers.

They are the same on every worker, so whoever reads several takes the largest and never the sum.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from domain.measures import MEASURES, OUTCOMES, Measure
from domain.runs import Outcome

Labels = tuple[str, ...]
Series = Mapping[tuple[str, Labels], int]

GAUGES: Final = {
    "holdfast_fleet_runs_open": ("Runs that have not closed.", ("state",)),
    "holdfast_fleet_approvals_waiting": (
        "Questions that have waited for at least so long.", ("at_least",),
    ),
    "holdfast_fleet_dead_letters": ("Dead letters.", ("state",)),
    "holdfast_fleet_halts": ("Halts that stand.", ("scope",)),
    "holdfast_fleet_queue_pollers": ("Workers that ask a queue for work.", ("queue", "type")),
    "holdfast_fleet_queue_backlog": ("Tasks that nobody has taken yet.", ("queue", "type")),
    "holdfast_fleet_looked_timestamp_seconds": ("When it was last looked.", ("at",)),
}  # fmt: skip
"""Name to what it says and its labels."""


class Fleet(Collector):
    """What was found at the last look."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._series: Series = {}
        self._gauges: dict[str, dict[Labels, float]] = {}
        self._agents: Set[str] = frozenset()
        registry.register(self)

    def expect(self, agents: Set[str]) -> None:
        """Show these agents' outcomes from the start.

        A counter that is not there before its first event has, for Prometheus, not risen by it.
        """
        self._agents = frozenset(agents)

    def counted(self, series: Series) -> None:
        """Show what was counted of closed runs."""
        self._series = series

    def stands(self, name: str, values: Mapping[Labels, float]) -> None:
        """Show where a gauge stands; what is not in `values` is not shown any more."""
        self._gauges[name] = dict(values)

    def collect(self) -> Iterable[Metric]:
        """Return all of it, as Prometheus's client asks for it."""
        by_name: dict[str, dict[Labels, int]] = defaultdict(dict)
        for (name, labels), units in self._series.items():
            by_name[name][labels] = units
        for agent in self._agents:
            for outcome in Outcome:
                by_name[OUTCOMES.name].setdefault((agent, outcome.value), 0)
        for measure in MEASURES:
            yield _histogram(measure, by_name) if measure.buckets else _counter(measure, by_name)
        yield from self._standing()

    def _standing(self) -> Iterator[Metric]:
        for name, values in self._gauges.items():
            about, labels = GAUGES[name]
            gauge = GaugeMetricFamily(name, about, labels=labels)
            for at, value in sorted(values.items()):
                gauge.add_metric(at, value)
            yield gauge


def _counter(measure: Measure, found: Mapping[str, Mapping[Labels, int]]) -> Metric:
    family = CounterMetricFamily(measure.name, measure.about, labels=measure.labels)
    for labels, units in sorted(found.get(measure.name, {}).items()):
        family.add_metric(labels, units / measure.per_unit)
    return family


def _histogram(measure: Measure, found: Mapping[str, Mapping[Labels, int]]) -> Metric:
    family = HistogramMetricFamily(measure.name, measure.about, labels=measure.labels)
    buckets = found.get(f"{measure.name}_bucket", {})
    for labels, units in sorted(found.get(f"{measure.name}_sum", {}).items()):
        seen, cumulative = 0, list[tuple[str, float]]()
        for bound in measure.bounds:
            seen += buckets.get((*labels, bound), 0)
            cumulative.append((bound, seen))
        family.add_metric(labels, cumulative, units / measure.per_unit)
    return family
