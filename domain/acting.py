"""One call of a tool: what goes into its activity, and what it comes to."""

from typing import Any, Literal

from pydantic import Field

from domain.contract import Contract
from domain.memory import Access

TOOL_TRANSIENT = "ToolTransient"
TOOL_UNAVAILABLE = "ToolUnavailable"


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
