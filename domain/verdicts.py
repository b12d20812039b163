"""What the checks between a model and the world look at, and what they say."""

from typing import Any, Literal

from pydantic import Field

from domain.acting import CallMade
from domain.contract import Contract
from domain.guard import Asker, Guarded, GuardPolicy
from domain.messages import ToolCall
from domain.sameness import Said
from domain.tools import ToolSpec


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
        ours: Calls whose results are the operator's own data.
    """

    results: dict[str, str]
    asked: dict[str, dict[str, Any]] = Field(default_factory=dict)
    injection: Literal["off", "warn", "withhold"] = "warn"
    writes: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()


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
