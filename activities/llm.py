"""The only door to a language model: a head and what is new in, one message out.

Which model that is (`models`), what the call may cost (`booking`), whether its reply is known
(`caching`) and what may hold it back (`controls`) are files of their own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final

import structlog
from opentelemetry import trace
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.backoff import at_least, backoff
from activities.booking import Booking
from activities.caching import AnswerCache, Answers, NoAnswers, key_of
from activities.controls import ANSWERED, Attempt, Controls, Went
from activities.heartbeat import beating
from activities.models import Model, Models, unusable
from activities.providers.base import Provider, ProviderError, ProviderReply, Shape, caller_of
from activities.shared import SharedTranscripts, Shelf
from activities.spend import SpendLedger
from activities.transcripts import Transcripts
from domain.breaker import BreakerPolicy
from domain.budget import Usage
from domain.halts import EVERYBODY
from domain.spec import AgentSpec
from domain.thinking import PROVIDER_ERROR, Reply, ThinkRequest

STAND_IN: Final = "offline stand-in for "
# Above this no vendor accepts a request; it would be sent in vain, at every attempt.
MAX_BODY_BYTES: Final = 32_000_000
_LONGEST_WAIT_S: Final = 60.0
# One breaker for a provider, whatever the agent: more failures than of a tool, since all share it.
_PROVIDER: Final = BreakerPolicy(failures=10)

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
    tenant: str = EVERYBODY
    room: int = 0
    keeps: bool = False


@dataclass(frozen=True)
class _Call:
    """One attempt: what is sent, to which model, and its entry in the ledger.

    Attributes:
        keeps: A reply to the same request that was kept is looked for.
    """

    spec: AgentSpec
    request: ThinkRequest
    model: Model
    body: bytes
    booking: Booking
    keeps: bool = False


class LLMActivities:
    """Model calls. Retries belong to `workflows.policies`, so every attempt is in the history."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        transcripts: Transcripts,
        spend: SpendLedger,
        on_call: Callable[[CallFacts], None] | None = None,
        controls: Controls | None = None,
        *,
        answers: Answers | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self._shared = SharedTranscripts(transcripts, shelf)
        self._controls = controls or Controls()
        self._models = Models(providers)
        self._transcripts = transcripts
        self._spend = spend
        self._on_call = on_call
        self._answers = AnswerCache(answers or NoAnswers())

    @activity.defn(name="llm.think")
    async def think(self, request: ThinkRequest) -> Reply:
        """Return what the model says next. Not idempotent: each attempt is billed.

        Raises:
            ApplicationError: `TranscriptMiss` and `TranscriptBroken`, as `Transcripts.resolve`
                says; `BudgetSpent` and `TenantCapReached`, non-retryable, nothing was sent;
                `RouteUnusable`, non-retryable, a person or another route is needed;
                `ProviderError`, retryable, after the delay that the provider asked for; what
                `Controls` refuses with, non-retryable, nothing was sent.
        """
        spec, transcript = await self._shared.find(request)
        model = await self._models.asked(spec, request)
        shape, wires = _shape(spec, model, request), transcript.wires(model.provider)
        body = model.provider.body(shape, wires)
        if len(body) > MAX_BODY_BYTES:
            raise unusable(
                f"route {model.name!r}: the conversation is {len(body)} bytes, over the "
                f"{MAX_BODY_BYTES} that providers take; shorten the agent's tool results"
            )
        key = key_of(spec, request, model, shape, wires)
        call = _Call(spec, request, model, body, Booking(self._spend, spec, request), bool(key))
        # Also while the database is asked: it may be away for longer than a heartbeat.
        async with beating():
            reply = await (self._known(call, key) if key else self._bought(call))
        if request.aside is None:
            self._transcripts.extend(request.head, reply.message)
            if spec.shared_route:
                await self._shared.grown(request, transcript, reply.message)
        _trace(model, request, reply)
        return reply

    async def _known(self, call: _Call, key: str) -> Reply:
        """Return the reply that is kept for the same request, else buy it and keep it."""
        async with self._answers.alone(key):
            if (kept := await self._answers.find(key)) is not None:
                lost = await call.booking.free()
                self._report(call, "cached", Usage(), Decimal(0))
                more = {"lost_tokens": lost.lost_tokens, "lost_cost_usd": lost.lost_cost_usd}
                return kept.model_copy(update=more)
            reply = await self._bought(call)
            await self._answers.keep(key, call.spec, call.request, reply)
            return reply

    async def _bought(self, call: _Call) -> Reply:
        """Reserve, send, settle."""
        attempt = _asked(call)
        await self._controls.before(attempt)
        worst = call.model.worst_case_usd(call.request)
        reserved = await call.booking.reserve(worst)
        reply = await self._complete(call, attempt)
        cost = call.model.cost_usd(reply)
        if reply.usage.total > call.request.cap.tokens or cost > worst:
            _log.warning(
                "a call used more than was reserved for it",
                agent=call.spec.name,
                model=call.model.model,
                tokens=reply.usage.total,
                reserved_tokens=call.request.cap.tokens,
            )
        await call.booking.settle_bought(reply.usage.total, cost)
        self._report(call, "ok", reply.usage, cost)
        stand_in = call.model.provider.stand_in
        return Reply(
            message=reply.message,
            finish=reply.finish,
            usage=reply.usage,
            cost_usd=cost,
            model=STAND_IN + call.model.model if stand_in else reply.model,
            **_certainty(reply),
            lost_tokens=reserved.lost_tokens,
            lost_cost_usd=reserved.lost_cost_usd,
            **_tried(attempt),
        )

    async def _complete(self, call: _Call, attempt: Attempt) -> ProviderReply:
        try:
            reply = await call.model.provider.complete(call.body)
        except ProviderError as error:
            await self._controls.after(attempt, _went(error))
            if not error.billed:
                await call.booking.cancel()
            outcome = "retried" if error.retryable else "refused"
            self._report(call, outcome, Usage(), Decimal(0))
            # `from None`: a vendor's own exception may quote the request, and the key.
            if not error.retryable:
                raise unusable(error.reason) from None
            raise ApplicationError(
                error.reason,
                type=PROVIDER_ERROR,
                next_retry_delay=_delay(error),
            ) from None
        await self._controls.after(attempt, ANSWERED)
        return reply

    def _report(self, call: _Call, outcome: str, usage: Usage, cost: Decimal) -> None:
        if self._on_call:
            model, tenant = call.model, call.request.tenant or EVERYBODY
            self._on_call(
                CallFacts(
                    agent=call.spec.name,
                    vendor=model.vendor,
                    model=model.model,
                    outcome=outcome,
                    usage=usage,
                    cost_usd=cost,
                    tenant=tenant,
                    room=_room(call),
                    keeps=call.keeps,
                )
            )


def _room(call: _Call) -> int:
    """Return the tokens that a turn's input may have; what is beside it has a window of its own."""
    if call.request.aside is not None:
        return 0
    window = call.spec.window
    return window.tokens if window else call.model.window


def _certainty(reply: ProviderReply) -> dict[str, Any]:
    """Return how probable the answer's parts are, where the provider says: else nothing is set."""
    return {"logprobs": dict(reply.logprobs)} if reply.logprobs else {}


def _tried(attempt: Attempt) -> dict[str, Any]:
    """Return how many attempts failed before, where any did: else nothing is set."""
    return {"failed": attempt.number - 1} if attempt.number > 1 else {}


def _shape(spec: AgentSpec, model: Model, request: ThinkRequest) -> Shape:
    return Shape(
        spec=spec,
        spec_hash=request.spec,
        model=model.model,
        purpose=request.purpose,
        forbid=request.forbid,
        max_output_tokens=request.max_output_tokens,
        caller=caller_of(request.lineage),
        aside=request.aside,
    )


def _asked(call: _Call) -> Attempt:
    info = activity.info()
    tenant = call.request.tenant
    run_id, vendor = info.workflow_id or "", call.model.vendor
    return Attempt(
        kind="model",
        name=vendor,
        run_id=run_id,
        number=info.attempt,
        agent=call.spec.name,
        tenant=tenant,
        breaker=_PROVIDER,
    )


def _went(error: ProviderError) -> Went:
    """Return what a failure says of the provider: throttled and refused ones are there."""
    throttled = error.status == HTTPStatus.TOO_MANY_REQUESTS
    there = throttled or not error.retryable
    return Went(answered=there, retry_after=error.retry_after, reason=error.reason)


def _delay(error: ProviderError) -> timedelta:
    """Return what the provider asked for, else 1, 3, 9 ... seconds, at most a minute."""
    if error.retry_after:
        return at_least(error.retry_after)
    return backoff(activity.info().attempt, 1, 3, _LONGEST_WAIT_S)


def _trace(model: Model, request: ThinkRequest, reply: Reply) -> None:
    """Name the call on the activity's span, in OpenTelemetry's GenAI words and without text."""
    span = trace.get_current_span()
    if not span.is_recording():
        return
    span.set_attributes(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": model.vendor,
            "gen_ai.request.model": model.model,
            "gen_ai.request.max_tokens": request.max_output_tokens,
            "gen_ai.response.model": reply.model,
            "gen_ai.response.finish_reasons": (reply.finish,),
            "gen_ai.usage.input_tokens": reply.usage.input_tokens,
            "gen_ai.usage.output_tokens": reply.usage.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": reply.usage.cached_tokens,
            "gen_ai.usage.cache_creation.input_tokens": reply.usage.cache_written_tokens,
            "holdfast.reply.cached": reply.cached,
            "holdfast.purpose": request.aside.purpose if request.aside else request.purpose,
        }
    )
