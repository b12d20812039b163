"""One model call: what goes into the activity that makes it, and what comes out."""

from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from domain.budget import Cap, Limits, Usage
from domain.contract import Contract
from domain.messages import Message
from domain.spec import AgentSpec

TRANSCRIPT_MISS = "TranscriptMiss"
BUDGET_SPENT = "BudgetSpent"
PROVIDER_ERROR = "ProviderError"
ROUTE_UNUSABLE = "RouteUnusable"
TENANT_CAP_REACHED = "TenantCapReached"


class Aside(Contract):
    """A model call beside the conversation, which neither keeps it nor may call a tool.

    Attributes:
        purpose: What it is for, in one word: the model is `<agent>_<purpose>` in its prompt.
        system: Its system prompt.
        text: What it is shown; empty in a request, where it is the last message.
        reads: It is shown the conversation before that.
        answer_schema: JSON Schema of what it must say; None for plain text.
        route: Models tried in order, each `provider:model`; empty for the agent's.
    """

    purpose: str
    system: str
    text: str = ""
    reads: bool = False
    answer_schema: dict[str, Any] | None = None
    route: tuple[str, ...] = ()
    max_output_tokens: int = 1_000


class ThinkRequest(Contract):
    """One model call. Only messages the worker cannot know go by value.

    Attributes:
        lineage: The logical run, stable over resumes; the spend ledger's key.
        turn: Which model call of the run this is, from 1.
        spec: Hash of the agent's spec.
        base: A head the worker may hold; empty: `new` is the whole transcript.
        head: The head after `new`, which the worker must arrive at.
        new: Messages after `base`: an id where a worker made it, else the message.
        route: Index into the spec's route.
        model: `provider:model` of another route of the spec's policy, in its place.
        purpose: `turn`: the tools are offered; `plan`: a plan is wanted, nothing else.
        tenant: Whose run it is; empty for the tenant that all have.
        cap: What this call may use at most.
        max_output_tokens: Limit handed to the provider, already cut to the budget.
        forbid: Tools withheld from this call.
        limits: The run's limits, where it was granted more than its spec says.
        aside: The call is beside the conversation; its text is the last message.
        whole_spec: Sent only when a worker has said that it lacks the spec.
    """

    lineage: str
    turn: int
    spec: str
    base: str
    head: str
    new: tuple[str | Message, ...]
    cap: Cap
    max_output_tokens: int
    route: int = 0
    model: str = ""
    purpose: Literal["turn", "plan"] = "turn"
    tenant: str = ""
    forbid: tuple[str, ...] = ()
    limits: Limits | None = None
    aside: Aside | None = None
    whole_spec: AgentSpec | None = None


class Missing(Contract):
    """Detail of `TranscriptMiss`: what the worker lacks."""

    spec: bool = False
    base: bool = False
    ids: tuple[str, ...] = ()


class Reply(Contract):
    """What a model said, and what it cost.

    Attributes:
        message: The assistant's message; tool calls as it wrote them.
        finish: OpenTelemetry's finish reason: stop, tool_calls, length or content_filter.
        usage: As the provider counted.
        cost_usd: At the price library's price of `model`.
        model: The model that answered, as the provider names it.
        logprobs: Of each simple field of the answer, where the provider says and was asked.
        lost_tokens: Reserved by earlier attempts of this call that never reported back.
        lost_cost_usd: The same in money.
        cached: It was kept from an earlier call with the same request, and cost nothing; `usage`
            is that call's.
        failed: Attempts of this call that failed before.
    """

    message: Message
    finish: str
    usage: Usage
    cost_usd: Decimal
    model: str
    logprobs: dict[str, float] = Field(default_factory=dict)
    lost_tokens: int = 0
    lost_cost_usd: Decimal = Decimal(0)
    cached: bool = False
    failed: int = 0
