"""What the numbers must be, worked out from the histories."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast

from genai_prices import Usage, calc_price

from bench.metrics.histories import Attempted, Look, Shown

Labels = tuple[tuple[str, str], ...]
Numbers = dict[str, dict[Labels, float]]
"""Metric to labels, sorted by name, to value."""

_STAND_IN: Final = "offline stand-in for "
_HELD: Final = frozenset({"BreakerOpen", "Paused", "Halted"})
_STANDING: Final = frozenset({"approve", "modify", "reject", "silence"})
_CACHED: Final = frozenset({"gauge"})
"""Agents of the mix whose replies are kept."""
_CLASSES: Final = {
    "gauge": {"decision", "urgent"}, "gauge_strict": {"decision", "urgent"}, "ticket": set[str](),
}  # fmt: skip


class Expected:
    """Adds up what each history says.

    Attributes:
        lost: Attempts that were not heard of in time. What they came to is in no history, although
            the worker that made them may have counted it.
    """

    def __init__(self, looks: Iterable[Look], tools: Set[str], tenants: Set[str]) -> None:
        self._tools = tools
        self._tenants = tenants
        self.lost = 0
        self._money: dict[tuple[str, Labels], Decimal] = defaultdict(Decimal)
        self._by_id = {look.run_id: look for look in looks}
        for look in self._by_id.values():
            self._attempts(look)
            if look.closed and look.outcome:
                self._closed(look)

    @property
    def numbers(self) -> Numbers:
        """All of it."""
        found: Numbers = defaultdict(dict)
        for (name, labels), value in self._money.items():
            found[name][labels] = float(value)
        return dict(found)

    def _add(self, name: str, amount: float | Decimal = 1, **labels: str) -> None:
        key = tuple(sorted((name.rstrip("_"), value) for name, value in labels.items()))
        self._money[name, key] += Decimal(str(amount))

    # --- attempts

    def _attempts(self, look: Look) -> None:
        for each in look.attempted:
            if each.attempts > 1:
                self._add("holdfast_activity_retries_total", each.attempts - 1, activity=each.name)
            self.lost += each.lost
            if each.failure == "TranscriptMiss":
                self._add("holdfast_transcript_misses_total")
            if each.name == "dead_letters.put":
                self._add("holdfast_fleet_dead_letters", state="open")
            if each.name in self._tools:
                self._tool(each)
            if each.name == "llm.think":
                self._model(look, each)

    def _tool(self, each: Attempted) -> None:
        tried = each.attempts - 1
        if each.failure in _HELD:
            self._add("holdfast_tool_calls_total", tool=each.name, outcome="held")
            if each.failure == "BreakerOpen":
                self._add("holdfast_breaker_refusals_total", name_=f"tool.{each.name}")
        elif each.failure:
            tried += 1
        else:
            came: dict[str, Any] = each.result or {}
            outcome = str(came.get("kind", "ok"))
            self._add("holdfast_tool_calls_total", tool=each.name, outcome=outcome)
        if tried:
            self._add("holdfast_tool_calls_total", tried, tool=each.name, outcome="failed")

    def _model(self, look: Look, each: Attempted) -> None:
        agent, before = look.agent, each.attempts - 1
        if each.failure == "ProviderError":
            before += 1
        if each.failure == "RouteUnusable":
            self._add("holdfast_model_calls_total", agent=agent, outcome="refused")
        if before:
            self._add("holdfast_model_calls_total", before, agent=agent, outcome="retried")
        if each.failure:
            return
        cached = bool(each.result.get("cached"))
        outcome = "cached" if cached else "ok"
        self._add("holdfast_model_calls_total", agent=agent, outcome=outcome)
        if agent in _CACHED:
            found = "hit" if cached else "miss"
            self._add("holdfast_model_cache_lookups_total", agent=agent, result=found)
        if not cached:
            self._bought(look, each)

    def _bought(self, look: Look, each: Attempted) -> None:
        reply, agent = each.result, look.agent
        usage: dict[str, int] = reply.get("usage", {})
        read, written = usage.get("input_tokens", 0), usage.get("output_tokens", 0)
        model = str(reply["model"]).removeprefix(_STAND_IN)
        cost = Decimal(str(reply["cost_usd"]))
        for direction, tokens in (
            ("input", read), ("output", written), ("input_cached", usage.get("cached_tokens", 0)),
        ):  # fmt: skip
            if tokens:
                self._add("holdfast_model_tokens_total", tokens, agent=agent, direction=direction)
        self._add("holdfast_model_cost_usd_total", cost, agent=agent, model=model)
        tenant = look.tenant if look.tenant in self._tenants else "other"
        self._add("holdfast_spend_usd_total", cost, tenant=tenant, model=model)
        self._add("holdfast_spend_tokens_total", read + written, tenant=tenant, model=model)
        room = look.window or _window(model)
        if not each.given.get("aside") and room:
            share = read / room
            self._add("holdfast_context_utilisation_ratio_count", agent=agent)
            self._add("holdfast_context_utilisation_ratio_sum", share, agent=agent)

    # --- what a closed run adds

    def _closed(self, look: Look) -> None:
        agent = look.agent if look.agent != "nobody" else "other"
        tenant = look.tenant if look.tenant in self._tenants else "other"
        self._add("holdfast_run_outcomes_total", agent=agent, outcome=look.outcome)
        self._add("holdfast_run_tenant_outcomes_total", tenant=tenant, outcome=look.outcome)
        steps, tokens, cost = self._spent(look)
        waited = self._people(look, agent)
        seconds = look.seconds()
        for name, value in (
            ("cost_usd", cost), ("tokens", tokens), ("steps", steps),
            ("duration_seconds", seconds), ("working_seconds", max(0, seconds - waited)),
        ):  # fmt: skip
            self._seen(f"holdfast_run_{name}", value, agent=agent)
        self._answer(look, agent)

    def _seen(self, name: str, value: float | Decimal, **labels: str) -> None:
        self._add(f"{name}_count", 1, **labels)
        self._add(f"{name}_sum", value, **labels)
        for bound in BOUNDS.get(name, ()):
            if value <= bound:
                self._add(f"{name}_bucket", 1, **labels | {"le": str(float(bound))})

    def _spent(self, look: Look) -> tuple[int, int, Decimal]:
        """Return model calls, tokens and money of a run and all below it."""
        steps, tokens, cost = 0, 0, Decimal(0)
        for each in look.attempted:
            if each.name == "llm.think" and not each.failure:
                usage: dict[str, int] = each.result.get("usage", {})
                steps += 1
                if not each.result.get("cached"):
                    tokens += usage.get("input_tokens", 0) + usage.get("output_tokens", 0)
                    cost += Decimal(str(each.result["cost_usd"]))
        for below in look.below:
            if below in self._by_id:
                more = self._spent(self._by_id[below])
                steps, tokens, cost = steps + more[0], tokens + more[1], cost + more[2]
        return steps, tokens, cost

    def _people(self, look: Look, agent: str) -> float:
        """Count what was asked and said; return how long it was waited for."""
        waited = 0.0
        for shown, after, ended in look.waits():
            wait = _between(shown.at, after.at if after else look.last)
            waited += wait
            if shown.state == "STOPPED":
                self._add("holdfast_run_escalations_total", agent=agent, kind="stopped")
                continue
            self._add("holdfast_run_approvals_asked_total", agent=agent)
            if ended == "silence" and _asks_on(look, after):
                self._add("holdfast_run_escalations_total", agent=agent, kind="asked_again")
            elif ended in _STANDING:
                self._add("holdfast_run_approvals_answered_total", agent=agent, verdict=ended)
                self._add("holdfast_approvals_total", verdict=ended)
                self._add("holdfast_run_approval_wait_seconds_count")
                if not look.result:
                    self._add("holdfast_run_approval_wait_seconds_sum", wait)
        for made in look.result.get("decisions", ()):
            if made.get("asked_at"):
                wait = _between(_read(made["asked_at"]), _read(made["at"]))
                self._add("holdfast_run_approval_wait_seconds_sum", wait)
        people: dict[str, Any] = look.result.get("people") or {}
        return float(people.get("waited_s", waited))

    def _answer(self, look: Look, agent: str) -> None:
        result = look.result
        for refused in result.get("rejections", ()):
            self._add("holdfast_run_rejections_total", agent=agent, by=refused["by"])
            self._add("holdfast_guardrail_rejections_total", by=refused["by"])
        checks: dict[str, Any] = result.get("checks") or {}
        larger = int(checks.get("escalated", 0))
        if larger:
            self._add("holdfast_run_escalations_total", larger, agent=agent, kind="larger_model")
        if look.outcome != "completed":
            return
        answer: object = result.get("answer")
        fields = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
        logprobs: dict[str, float] = result.get("logprobs") or {}
        for name, logprob in logprobs.items():
            self._sure(math.exp(logprob), agent, name)
        if "confidence" in fields:
            self._sure(fields["confidence"], agent, "stated")
        if result.get("category"):
            self._sure(result["confidence"], agent, "category")
            self._class(agent, "category", result["category"])
        for name in _CLASSES.get(agent, set[str]()) & fields.keys():
            self._class(agent, name, fields[name])

    def _sure(self, value: float, agent: str, name: str) -> None:
        metric = "holdfast_run_field_confidence_ratio"
        self._add(f"{metric}_count", agent=agent, field=name)
        self._add(f"{metric}_sum", value, agent=agent, field=name)

    def _class(self, agent: str, name: str, value: Any) -> None:
        said = value if isinstance(value, str) else json.dumps(value)
        self._add("holdfast_run_answer_classes_total", agent=agent, field=name, class_=said)


def _window(model: str) -> int:
    """Return what the price library says that a model can read at once."""
    vendor = "anthropic" if model.startswith("claude") else "openai"
    return calc_price(Usage(), model, provider_id=vendor).model.context_window or 0


def _asks_on(look: Look, after: Shown | None) -> bool:
    """Whether the same task asked again: such a silence is no decision yet."""
    return after is not None and any(
        shown.state == "PENDING_APPROVAL" and shown.task == after.task for shown in look.shown
    )


def _read(at: str) -> datetime:
    return datetime.fromisoformat(at)


def _between(since: datetime, until: datetime | None) -> float:
    return (until - since).total_seconds() if until else 0


BOUNDS: Final[Mapping[str, tuple[float, ...]]] = {
    "holdfast_run_cost_usd": (0.001, 0.01),
    "holdfast_run_tokens": (500, 1_000, 2_500),
    "holdfast_run_steps": (1, 2, 3, 5),
    "holdfast_run_duration_seconds": (1, 5, 30),
    "holdfast_run_working_seconds": (1, 5, 30),
}
"""Of each histogram the buckets that are compared, beside its sum and its count."""
