"""What goes into the agent loop's activities and what comes out, one pair each.

Expected failures are results here, so that Temporal does not retry them.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from domain.budget import Cap, Limits, LimitsOverride, Usage
from domain.contract import Contract
from domain.guard import Asker, Guarded, GuardPolicy
from domain.memory import Access
from domain.messages import Message, ToolCall
from domain.sameness import Said
from domain.spec import AgentSpec
from domain.taint import Taint
from domain.tools import ToolSpec

TRANSCRIPT_MISS = "TranscriptMiss"
BUDGET_SPENT = "BudgetSpent"
PROVIDER_ERROR = "ProviderError"
ROUTE_UNUSABLE = "RouteUnusable"
TENANT_CAP_REACHED = "TenantCapReached"
TOOL_TRANSIENT = "ToolTransient"
TOOL_UNAVAILABLE = "ToolUnavailable"


class ResolveRequest(Contract):
    """Which agent, and with which limits.

    Attributes:
        takes_part: The agent is asked for by a run of several; there is no task yet.
        private: The run above is a private agent's, so what it hands down is as well.
    """

    agent: str
    task: str
    data: dict[str, str] = Field(default_factory=dict)
    limits: LimitsOverride | None = None
    ceiling: LimitsOverride | None = None
    answer_schema: dict[str, Any] | None = None
    takes_part: bool = False
    dry_run: bool = False
    private: bool = False
    tenant: str = ""
    by: str = ""


class Resolved(Contract):
    """The spec a run keeps, or why there is none.

    Attributes:
        room: The agent's own limits, where a share of another run's budget is lower.
        taints: What was found in the task and the data.
    """

    spec: AgentSpec | None = None
    room: Limits | None = None
    refusal: str = ""
    taints: tuple[Taint, ...] = ()


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


class CheckCallsRequest(Contract):
    """Calls a model proposes. Not recorded: a local activity's input stays in the worker."""

    calls: tuple[ToolCall, ...]
    tools: tuple[ToolSpec, ...]
    forbid: tuple[str, ...] = ()
    guards: GuardPolicy | None = None
    asked_by: Asker | None = None


class CheckResultsRequest(Contract):
    """Results to look at before a model reads them, by call id.

    Attributes:
        asked: Arguments of those calls whose results are to be reduced to what can be compared.
        injection: What becomes of a result that addresses the model.
        writes: Names of the run's tools that write.
        before: The ends of what was read last.
    """

    results: dict[str, str]
    asked: dict[str, dict[str, Any]] = Field(default_factory=dict)
    injection: Literal["off", "warn", "withhold"] = "warn"
    writes: tuple[str, ...] = ()
    before: tuple[str, ...] = ()


class Verdicts(Contract):
    """What was found, by call id; what is not named passed.

    Attributes:
        refused: Why a call does not run, or a result is not shown, told to the model.
        flagged: Why a result is shown with a warning.
        said: Results reduced to what can be compared.
        withheld: Why a result is not shown: it addresses the model.
        guarded: What leaves with a call and should not.
        arguments: Arguments, as JSON, without what was taken out.
    """

    refused: dict[str, str] = Field(default_factory=dict)
    flagged: dict[str, str] = Field(default_factory=dict)
    said: dict[str, Said] = Field(default_factory=dict)
    withheld: dict[str, str] = Field(default_factory=dict)
    guarded: dict[str, tuple[Guarded, ...]] = Field(default_factory=dict)
    arguments: dict[str, str] = Field(default_factory=dict)


class ActRequest(Contract):
    """One call of a tool; the activity's name says which.

    Attributes:
        key: Idempotency key of the effect.
        schema_hash: Of the tool that the run was started with.
        data: The run's inputs, which the model cannot set.
        of: Result of the call that is undone, for a compensation.
        shared: A worker that is not this one may be asked for the result by its id.
        mark: The result is of strangers' words, and is marked as data.
        memory: Whose long-term memory a tool that is declared for it may use.
    """

    call_id: str
    arguments: dict[str, Any]
    key: str
    schema_hash: str
    data: dict[str, str] = Field(default_factory=dict)
    agent: str = ""
    tenant: str = ""
    of: str = ""
    shared: bool = False
    mark: bool = False
    memory: Access | None = None


class ActOutcome(Contract):
    """What a tool's attempt came to.

    Attributes:
        kind: `ok`; `error`: deterministic, told to the model; `changed`: the deployed tool
            is no longer the one the run was started with, so the run stops.
        text: What the model reads, already cut to the tool's size.
        artifact: Where the whole of a cut result is kept.
        doubt: Whether a write took effect is not known, and nobody could say.
        failed: Attempts of this call that failed before.
        outside: Strangers' words are in it, although the tool is one of ours.
    """

    kind: Literal["ok", "error", "changed"]
    text: str
    artifact: str = ""
    doubt: bool = False
    failed: int = 0
    outside: bool = False


class CutRequest(Contract):
    """A result that is too large for a model; it may have this many UTF-8 bytes.

    Attributes:
        mark: The agent whose answer has strangers' words in it; empty for none.
    """

    text: str
    result_bytes: int
    mark: str = ""


class ReconcileRequest(Contract):
    """Did the effect with `key` happen?"""

    tool: str
    key: str
    arguments: dict[str, Any]
    data: dict[str, str] = Field(default_factory=dict)
    tenant: str = ""


class Reconciled(Contract):
    """`unknown` puts the question before a person."""

    happened: Literal["yes", "no", "unknown"]
    text: str = ""


class CallMade(Contract):
    """A call that ran, for rules that look at what an answer rests on."""

    tool: str
    arguments: dict[str, Any]
    text: str


class CheckAnswerRequest(Contract):
    """An answer, and what the run did to get it.

    Attributes:
        typed: The schema is the agent's own, so that its model of the answer fits it.
    """

    agent: str
    text: str
    answer_schema: dict[str, Any] | None
    checks: tuple[str, ...]
    made: tuple[CallMade, ...]
    task: str
    typed: bool = True
    guards: GuardPolicy | None = None


class AnswerVerdict(Contract):
    """What is wrong with an answer, one sentence each; its confidence where it states one.

    Attributes:
        guarded: What it says and should not.
        instead: The answer without what was taken out; empty where nothing was.
    """

    problems: tuple[str, ...] = ()
    confidence: float | None = None
    guarded: tuple[Guarded, ...] = ()
    instead: str = ""


class CheckPlanRequest(Contract):
    """A plan as the model wrote it."""

    text: str
    tools: tuple[str, ...]
    steps_left: int


class DeadLetter(Contract):
    """What was refused, or failed for good, kept so that it can be mended and sent again.

    Attributes:
        task: The task of a run that failed for good; empty where the run's input was refused.
        lineage: Of that run, so that another one under the same id leaves a letter of its own.
    """

    run_id: str
    workflow: str
    agent: str
    tenant: str
    reason: str
    payload: dict[str, Any]
    task: str = ""
    lineage: str = ""


class Report(Contract):
    """What a closed run leaves in the database; the history has a retention."""

    run_id: str
    workflow: str
    agent: str
    tenant: str
    outcome: str
    started_at: datetime
    result: dict[str, Any]
