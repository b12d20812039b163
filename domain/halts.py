"""Halts as values: what an operator has stopped, whom that concerns, how it is told.

A halt is on a run (and all below it), an agent, a tenant, or everything. It is looked for at the
start of each attempt of a model call and of a tool call; what has begun is let end.
"""

from datetime import datetime
from typing import Final, Literal, get_args

from pydantic import Field

from domain.contract import Contract

Scope = Literal["run", "agent", "tenant", "all"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
# The type of the failure that an attempt ends with which a halt holds back.
HALTED: Final = "Halted"
# The tenant that all runs have which name none; requests leave it out.
EVERYBODY: Final = "default"


class Halt(Contract):
    """One halt, as it stands or stood.

    Attributes:
        name: The run's id, or the agent's or the tenant's name; empty for all.
        by: Who halted, as they claim.
        lifted_at: When it was lifted; None while it stands.
        lifted_by: Who lifted it, as they claim.
        lifted_why: The reason that they gave.
    """

    id: str
    scope: Scope
    name: str = ""
    reason: str = ""
    by: str = ""
    at: datetime
    lifted_at: datetime | None = None
    lifted_by: str = ""
    lifted_why: str = ""

    @property
    def target(self) -> str:
        """What is halted, in words: `agent 'refunds'`, `everything`."""
        return "everything" if self.scope == "all" else f"{self.scope} {self.name!r}"

    @property
    def arguments(self) -> str:
        """The same as the command line takes it."""
        return "all" if self.scope == "all" else f"{self.scope} {self.name}"

    @property
    def told(self) -> str:
        """Who halted what, when and why, in one line."""
        by = f" by {self.by}" if self.by else ""
        why = f": {self.reason}" if self.reason else ""
        return f"{self.target} was halted{by} at {self.at:%Y-%m-%d %H:%M:%S} UTC{why}"


class Concerned(Contract):
    """Whose attempt, or which waiting run, is asked about."""

    run_id: str
    agent: str = ""
    tenant: str = ""


class Standing(Contract):
    """The halts that concern somebody, the first of them first; none: they may go on."""

    halts: tuple[Halt, ...] = Field(default=())


class Lifted(Contract):
    """What a waiting run is told when halts are lifted.

    Attributes:
        ids: Of the halts; a word without any only makes the run look again.
        by: Who lifted them, as they claim.
    """

    ids: tuple[str, ...] = ()
    by: str = ""
    reason: str = ""


def key(scope: Scope, name: str) -> str:
    """Return what a halt is kept under."""
    return f"{scope}:{name}"


def keys(concerned: Concerned) -> tuple[str, ...]:
    """Return the keys of all halts that would hold somebody back.

    A run is below another when its id says so: `audit-7/account-12` is below `audit-7`.
    """
    parts = concerned.run_id.split("/")
    runs = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return (
        key("all", ""),
        key("tenant", concerned.tenant or EVERYBODY),
        *([key("agent", concerned.agent)] if concerned.agent else []),
        *(key("run", run) for run in runs if run),
    )


def told(halts: tuple[Halt, ...]) -> str:
    """Return why somebody is held back, in one line."""
    return "; ".join(halt.told for halt in halts)


def lifts(halts: tuple[Halt, ...]) -> str:
    """Return the commands that let them go on."""
    return " and ".join(f"`python starter.py unhalt {halt.arguments}`" for halt in halts)
