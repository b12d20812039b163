"""The only door to a language model: a head and what is new in, one message out.

An attempt reserves its worst case in the spend ledger, sends, and settles. What reports a failure
that the provider does not bill settles to nothing; an attempt that vanishes, with its worker or
its connection, keeps its reservation, since it may have been billed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Final

import structlog
from opentelemetry import trace
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import prices
from activities.backoff import at_least, backoff
from activities.controls import ANSWERED, Attempt, Controls, Went
from activities.heartbeat import beating
from activities.providers import KEYS
from activities.providers.base import Provider, ProviderError, ProviderReply, Shape, caller_of
from activities.spend import Reserved, SpendLedger
from activities.transcripts import Transcripts
from domain.activity import BUDGET_SPENT, PROVIDER_ERROR, ROUTE_UNUSABLE, Reply, ThinkRequest
from domain.budget import Usage
from domain.spec import AgentSpec

STAND_IN: Final = "offline stand-in for "
# Above this no vendor accepts a request; it would be sent in vain, at every attempt.
MAX_BODY_BYTES: Final = 32_000_000
_LONGEST_WAIT_S: Final = 60.0

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class CallFacts:
    """What a metric may say of a finished attempt: no text, no ids."""

    agent: str
    vendor: str
    model: str
    outcome: str
    usage: Usage
    cost_usd: Decimal


@dataclass(frozen=True)
class _Route:
    name: str
    vendor: str
    model: str
    provider: Provider


class LLMActivities:
    """Model calls. Retries belong to `workflows.policies`, so every attempt is in the history."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        transcripts: Transcripts,
        spend: SpendLedger,
        on_call: Callable[[CallFacts], None] | None = None,
        controls: Controls | None = None,
    ) -> None:
        self._controls = controls or Controls()
        self._providers = providers
        self._transcripts = transcripts
        self._spend = spend
        self._on_call = on_call
        # The library builds its tables at first use, half a second that would hold the loop up.
        prices.is_known("openai", "gpt-5-mini")

    @activity.defn(name="llm.think")
    async def think(self, request: ThinkRequest) -> Reply:
        """Return what the model says next. Not idempotent: each attempt is billed.

        Raises:
            ApplicationError: `TranscriptMiss` and `TranscriptBroken`, as `Transcripts.resolve`
                says; `BudgetSpent`, non-retryable, nothing was sent; `RouteUnusable`,
                non-retryable, a person or another route is needed; `ProviderError`, retryable,
                after the delay that the provider asked for; what `Controls` refuses with,
                non-retryable, nothing was sent.
        """
        spec, transcript = self._transcripts.resolve(request)
        route = self._route(spec, request)
        await self._controls.before(_asked(spec, route))
        body = route.provider.body(_shape(spec, route, request), transcript.wires(route.provider))
        if len(body) > MAX_BODY_BYTES:
            raise _unusable(
                f"route {route.name!r}: the conversation is {len(body)} bytes, over the "
                f"{MAX_BODY_BYTES} that providers take; shorten the agent's tool results"
            )
        worst = self._worst_case(spec, route, request)
        reserved = await self._reserve(spec, request, worst)
        reply = await self._complete(spec, route, request, body)
        cost = self._cost(route, reply)
        if reply.usage.total > request.cap.tokens or cost > worst:
            _log.warning(
                "a call used more than was reserved for it",
                agent=spec.name,
                model=route.model,
                tokens=reply.usage.total,
                reserved_tokens=request.cap.tokens,
            )
        await self._settle(request, reply.usage.total, cost)
        if request.aside is None:
            self._transcripts.extend(request.head, reply.message)
        model = STAND_IN + route.model if route.provider.stand_in else reply.model
        self._report(spec, route, "ok", reply.usage, cost)
        _trace(route, request, reply)
        return Reply(
            message=reply.message,
            finish=reply.finish,
            usage=reply.usage,
            cost_usd=cost,
            model=model,
            **({"logprobs": dict(reply.logprobs)} if reply.logprobs else {}),
            lost_tokens=reserved.lost_tokens,
            lost_cost_usd=reserved.lost_cost_usd,
        )

    def _route(self, spec: AgentSpec, request: ThinkRequest) -> _Route:
        routes = (request.aside and request.aside.route) or spec.route
        if not 0 <= request.route < len(routes):
            raise _unusable(f"agent {spec.name!r} has no route {request.route}: it has {routes}")
        name = routes[request.route]
        vendor, _, model = name.partition(":")
        provider = self._providers.get(vendor)
        if provider is None and vendor in KEYS:
            raise _unusable(
                f"route {name!r}: {vendor} has no key; set {KEYS[vendor]} for the worker, or "
                f"change the route of agent {spec.name!r}"
            )
        if provider is None or not model:
            raise _unusable(
                f"route {name!r} of agent {spec.name!r}: expected provider:model with a provider "
                f"of {sorted(KEYS)}"
            )
        priced = provider.stand_in or not spec.limits.cost_usd
        if not priced and not prices.is_known(vendor, model):
            raise _unusable(
                f"route {name!r}: no price is known for the model, so its cost cannot be capped; "
                "name a model that genai-prices lists, or set the agent's limits.cost_usd to 0"
            )
        return _Route(name, vendor, model, provider)

    @staticmethod
    def _worst_case(spec: AgentSpec, route: _Route, request: ThinkRequest) -> Decimal:
        """Return what the call can cost at most, by the route's price.

        Less than the request's cap, which is all that the run has left: an attempt that is lost
        is charged its reservation, and the next one must still fit.
        """
        output = min(request.max_output_tokens, request.cap.tokens)
        worst = prices.worst_case_usd(route.name, request.cap.tokens - output, output)
        # A limit of 0 USD caps tokens alone.
        if spec.limits.cost_usd and worst > request.cap.cost_usd:
            raise _spent(
                f"turn {request.turn} could cost {worst} USD and {request.cap.cost_usd} are left"
            )
        return worst

    async def _reserve(
        self, spec: AgentSpec, request: ThinkRequest, worst_usd: Decimal
    ) -> Reserved:
        limits = request.limits or spec.limits
        reserved = await self._spend.reserve(
            request.lineage, request.turn, _attempt(), request.cap.tokens, worst_usd
        )
        over: list[str] = []
        if reserved.total_tokens > limits.tokens:
            over.append(f"{reserved.total_tokens} of {limits.tokens} tokens")
        if limits.cost_usd and reserved.total_cost_usd > limits.cost_usd:
            over.append(f"{reserved.total_cost_usd} of {limits.cost_usd} USD")
        if over:
            await self._settle(request, 0, Decimal(0))
            raise _spent(
                f"with turn {request.turn}, and all that earlier executions of the run spent, it "
                f"could come to {' and '.join(over)}"
            )
        return reserved

    async def _settle(self, request: ThinkRequest, tokens: int, cost_usd: Decimal) -> None:
        await self._spend.settle(request.lineage, request.turn, _attempt(), tokens, cost_usd)

    async def _complete(
        self, spec: AgentSpec, route: _Route, request: ThinkRequest, body: bytes
    ) -> ProviderReply:
        try:
            async with beating():
                reply = await route.provider.complete(body)
        except ProviderError as error:
            await self._controls.after(_asked(spec, route), _went(error))
            if not error.billed:
                await self._settle(request, 0, Decimal(0))
            outcome = "retried" if error.retryable else "refused"
            self._report(spec, route, outcome, Usage(), Decimal(0))
            # `from None`: a vendor's own exception may quote the request, and the key.
            if not error.retryable:
                raise _unusable(error.reason) from None
            raise ApplicationError(
                error.reason,
                type=PROVIDER_ERROR,
                next_retry_delay=_delay(error),
            ) from None
        await self._controls.after(_asked(spec, route), ANSWERED)
        return reply

    @staticmethod
    def _cost(route: _Route, reply: ProviderReply) -> Decimal:
        """Return the price, by the model that answered, else by the one that was asked.

        The stand-in is priced as the model that it stands in for: a notional price, so that
        budgets and reports are exercised; nothing is charged.
        """
        stand_in = route.provider.stand_in
        for model in (route.model,) if stand_in else (reply.model, route.model):
            try:
                return prices.price_usd(route.vendor, model, reply.usage)
            except prices.UnknownPriceError:
                continue
        return Decimal(0)

    def _report(
        self, spec: AgentSpec, route: _Route, outcome: str, usage: Usage, cost: Decimal
    ) -> None:
        if self._on_call:
            self._on_call(CallFacts(spec.name, route.vendor, route.model, outcome, usage, cost))


def _shape(spec: AgentSpec, route: _Route, request: ThinkRequest) -> Shape:
    return Shape(
        spec=spec,
        spec_hash=request.spec,
        model=route.model,
        purpose=request.purpose,
        forbid=request.forbid,
        max_output_tokens=request.max_output_tokens,
        caller=caller_of(request.lineage),
        aside=request.aside,
    )


def _asked(spec: AgentSpec, route: _Route) -> Attempt:
    info = activity.info()
    return Attempt("model", route.vendor, info.workflow_id or "", info.attempt, spec.name)


def _went(error: ProviderError) -> Went:
    """Return what a failure says of the provider: throttled and refused ones are there."""
    throttled = error.status == HTTPStatus.TOO_MANY_REQUESTS
    there = throttled or not error.retryable
    return Went(answered=there, retry_after=error.retry_after, reason=error.reason)


def _attempt() -> str:
    """Return this attempt's name in the spend ledger; another after a reset, and per activity."""
    info = activity.info()
    return f"{info.workflow_run_id}/{info.activity_id}/{info.attempt}"


def _delay(error: ProviderError) -> timedelta:
    """Return what the provider asked for, else 1, 3, 9 ... seconds, at most a minute."""
    if error.retry_after:
        return at_least(error.retry_after)
    return backoff(activity.info().attempt, 1, 3, _LONGEST_WAIT_S)


def _unusable(reason: str) -> ApplicationError:
    return ApplicationError(reason, type=ROUTE_UNUSABLE, non_retryable=True)


def _spent(reason: str) -> ApplicationError:
    text = f"{reason}: nothing was sent; raise the run's limits to go on"
    return ApplicationError(text, type=BUDGET_SPENT, non_retryable=True)


def _trace(route: _Route, request: ThinkRequest, reply: ProviderReply) -> None:
    """Name the call on the activity's span, in OpenTelemetry's GenAI words and without text."""
    span = trace.get_current_span()
    if not span.is_recording():
        return
    span.set_attributes(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": route.vendor,
            "gen_ai.request.model": route.model,
            "gen_ai.request.max_tokens": request.max_output_tokens,
            "gen_ai.response.model": reply.model,
            "gen_ai.response.finish_reasons": (reply.finish,),
            "gen_ai.usage.input_tokens": reply.usage.input_tokens,
            "gen_ai.usage.output_tokens": reply.usage.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": reply.usage.cached_tokens,
        }
    )
