"""What this process counts, beside what the SDK counts by itself."""

from collections.abc import Iterable, Sequence, Set
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

from runtime.fleet import Fleet
from runtime.holdups import HoldUps

EVERYBODY: Final = frozenset({"default"})
"""The tenants that are counted by name where none are named: runs that name none are theirs."""

_OTHER: Final = "other"
_SHARES: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_TOOL_OUTCOMES: Final = ("ok", "error", "failed", "held", "changed")
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
    def tenant(self) -> str:
        """Whose call it is."""
        ...

    @property
    def room(self) -> int:
        """Tokens of input that the call could have had; 0 where that is not known."""
        ...

    @property
    def keeps(self) -> bool:
        """Whether a kept reply was looked for."""
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
    """This process's counters; labels are closed sets, never ids.

    Attributes:
        fleet: Numbers of all workers, which are the same on each one's page.
    """

    def __init__(self, tenants: Set[str] = EVERYBODY) -> None:
        # A second line for each counter that says when it began, which nobody asks for.
        disable_created_metrics()
        self._registry = CollectorRegistry()
        self._tenants = tenants
        self.fleet = Fleet(self._registry)
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
        spent = ["tenant", "vendor", "model"]
        self._spend = self._counter(
            "holdfast_spend_usd", "Price of the calls, by who pays for them.", spent
        )
        self._spend_tokens = self._counter(
            "holdfast_spend_tokens", "Tokens of the calls, by who pays for them.", spent
        )
        self._cache = self._counter(
            "holdfast_model_cache_lookups", "Kept replies looked for.", ["agent", "result"]
        )
        self._retries = self._counter(
            "holdfast_activity_retries", "Attempts after the first.", ["activity"]
        )
        self._context = Histogram(
            "holdfast_context_utilisation_ratio",
            "Part of the window that a turn's input took.",
            ["agent"],
            buckets=_SHARES,
            registry=self._registry,
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
        if facts.keeps and facts.outcome in {"ok", "cached"}:
            found = "hit" if facts.outcome == "cached" else "miss"
            self._cache.labels(facts.agent, found).inc()
        if facts.outcome == "ok":
            self._spent(facts)

    def _spent(self, facts: CallFacts) -> None:
        usage = facts.usage
        tenant = facts.tenant if facts.tenant in self._tenants else _OTHER
        paid = (tenant, facts.vendor, facts.model)
        self._spend.labels(*paid).inc(float(facts.cost_usd))
        self._spend_tokens.labels(*paid).inc(usage.input_tokens + usage.output_tokens)
        if facts.room:
            self._context.labels(facts.agent).observe(usage.input_tokens / facts.room)

    def expect(self, agents: Set[str], tools: Iterable[str]) -> None:
        """Show what has not happened yet, too: what is not there has, for Prometheus, not risen."""
        self.fleet.expect(agents)
        for tool in tools:
            for outcome in _TOOL_OUTCOMES:
                self._tools.labels(tool, outcome)

    def retry(self, activity: str) -> None:
        """Count an attempt after the first."""
        self._retries.labels(activity).inc()

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
