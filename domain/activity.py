"""The edges of a run: what resolves its agent, and what it leaves behind.

Expected failures are results here, so that Temporal does not retry them.
"""

from datetime import datetime
from typing import Any

from pydantic import Field

from domain.budget import Limits, LimitsOverride
from domain.contract import Contract
from domain.spec import AgentSpec
from domain.taint import Taint


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
    """What a closed run leaves in the database; the history has a retention.

    Attributes:
        by: Who asked for it, as they claim.
    """

    run_id: str
    workflow: str
    agent: str
    tenant: str
    outcome: str
    started_at: datetime
    result: dict[str, Any]
    by: str = ""
