"""What this process counts, beside what the SDK counts by itself."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.exposition import generate_latest

from runtime.holdups import HoldUps

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class UsageFacts(Protocol):
    """Tokens of a call."""

    @property
    def input_tokens(self) -> int:
        """What the model read."""
        ...

    @property
    def output_tokens(self) -> int:
        """What the model wrote."""
        ...

    @property
    def cached_tokens(self) -> int:
        """What it read of the provider's prompt cache; part of `input_tokens`."""
        ...


class CallFacts(Protocol):
    """What is counted of a model call; `activities.llm.CallFacts` is one."""

    @property
    def agent(self) -> str:
        """Whose call it is."""
        ...

    @property
    def vendor(self) -> str:
        """Who answered."""
        ...

    @property
    def model(self) -> str:
        """The model that was asked."""
        ...

    @property
    def outcome(self) -> str:
        """`ok`, `retried`, `refused`, or `cached`: a kept reply, so that nothing was asked."""
        ...

    @property
    def usage(self) -> UsageFacts:
        """Tokens."""
        ...

    @property
    def cost_usd(self) -> Decimal:
        """Price."""
        ...


class Meters:
    """This process's counters; labels are closed sets, never ids."""

    def __init__(self) -> None:
        # A second line for each counter that says when it began, which nobody asks for.
        disable_created_metrics()
        self._registry = CollectorRegistry()
        call = ["agent", "vendor", "model"]
        self._calls = self._counter(
            "holdfast_model_calls", "Attempts to call a model.", [*call, "outcome"]
        )
        self._tokens = self._counter(
            "holdfast_model_tokens", "Tokens, as the provider counts.", [*call, "direction"]
        )
        self._cost = self._counter(
            "holdfast_model_cost_usd", "Price of the calls, by the price library.", call
        )
        self._tools = self._counter(
            "holdfast_tool_calls", "Attempts to call a tool.", ["tool", "outcome"]
        )
        self._misses = self._counter(
            "holdfast_transcript_misses", "Model calls whose transcript had to be sent.", []
        )
        self._failures = self._counter(
            "holdfast_activity_failures", "Attempts that failed.", ["activity", "type"]
        )
        self._folds = self._counter(
            "holdfast_memory_folds", "Times older turns were folded.", ["agent", "by"]
        )
        self._seconds = Histogram(
            "holdfast_activity_seconds",
            "Duration of an attempt.",
            ["activity"],
            buckets=_SECONDS,
            registry=self._registry,
        )

        self._embeddings = self._counter(
            "holdfast_embedding_tokens",
            "Tokens of texts that were turned into vectors.",
            ["vendor", "model"],
        )
        self._memory = self._counter(
            "holdfast_memory", "Memories that were kept, recalled or swept away.", ["what", "kind"]
        )
        self.holdups = HoldUps(self._registry)
        self._reviews = self._gauge(
            "holdfast_reviews", "Decisions drawn for review, over all tenants.", ["state"]
        )
        self._approval = self._gauge(
            "holdfast_review_approval_ratio", "Share of the reviewed decisions that were right."
        )

    def model_call(self, facts: CallFacts) -> None:
        """Count a model call; pass it as `on_call`."""
        labels = (facts.agent, facts.vendor, facts.model)
        self._calls.labels(*labels, facts.outcome).inc()
        self._tokens.labels(*labels, "input").inc(facts.usage.input_tokens)
        self._tokens.labels(*labels, "output").inc(facts.usage.output_tokens)
        if facts.usage.cached_tokens:
            self._tokens.labels(*labels, "input_cached").inc(facts.usage.cached_tokens)
        self._cost.labels(*labels).inc(float(facts.cost_usd))

    def fold(self, agent: str, by: str) -> None:
        """Count a fold of older turns; pass it as `on_fold`."""
        self._folds.labels(agent, by).inc()

    def tool_call(self, tool: str, outcome: str) -> None:
        """Count an attempt of a tool."""
        self._tools.labels(tool, outcome).inc()

    def embedding(self, vendor: str, model: str, tokens: int) -> None:
        """Count what an embedding model read; pass it as `used`."""
        self._embeddings.labels(vendor, model).inc(tokens)

    def memory(self, what: str, kind: str) -> None:
        """Count a memory that was kept or recalled; pass it as `count`."""
        self._memory.labels(what, kind).inc()

    def transcript_miss(self) -> None:
        """Count a model call that lacked its transcript; an event of its own, not a failure."""
        self._misses.inc()

    def activity(self, name: str, seconds: float) -> None:
        """Note how long an attempt took, however it ended."""
        self._seconds.labels(name).observe(seconds)

    def failure(self, activity: str, error_type: str) -> None:
        """Count a failed attempt."""
        self._failures.labels(activity, error_type).inc()

    def reviews(self, waiting: int, accepted: int, corrected: int) -> None:
        """Show how reviews have gone; without any, there is no ratio."""
        for state, count in (("open", waiting), ("accepted", accepted), ("corrected", corrected)):
            self._reviews.labels(state).set(count)
        judged = accepted + corrected
        self._approval.set(accepted / judged if judged else float("nan"))

    def render(self) -> bytes:
        """Return all of it in Prometheus's text format."""
        return generate_latest(self._registry)

    def _gauge(self, name: str, description: str, labels: Sequence[str] = ()) -> Gauge:
        return Gauge(name, description, labels, registry=self._registry)

    def _counter(self, name: str, description: str, labels: list[str]) -> Counter:
        return Counter(name, description, labels, registry=self._registry)
