"""What the checks of a run's own acts are asked: second checks, and those between phases."""

from typing import Any

from pydantic import Field

from domain.acting import CallMade
from domain.contract import Contract


class SecondRequest(Contract):
    """May this call run? A local activity's input: not recorded.

    Attributes:
        made: The calls of the run that ran, in order.
        task: What the run was asked to do.
    """

    tool: str
    arguments: dict[str, Any]
    made: tuple[CallMade, ...] = ()
    task: str = ""
    data: dict[str, str] = Field(default_factory=dict)
    tenant: str = ""


class SecondVerdict(Contract):
    """Why a call must not run; empty where it may."""

    refused: str = ""


class PhaseRequest(Contract):
    """Does what was done satisfy the rules that end a phase?"""

    agent: str
    phase: str
    checks: tuple[str, ...]
    made: tuple[CallMade, ...]
    task: str
