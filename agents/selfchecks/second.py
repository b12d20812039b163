"""A second check: a function of an author's that looks at an irreversible call before its effect.

No model takes part. It gets the arguments as they would run, also where a person changed them, and
what the run has done so far, and returns why the call must not run.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from domain.acting import CallMade


@dataclass(frozen=True)
class Proposal:
    """What a second check looks at.

    Attributes:
        arguments: As they would run.
        made: The calls of this run that ran, in order, with what they brought. Empty where a
            workflow uses the tool by itself.
        task: What the run was asked to do.
        data: The run's inputs, for example `orders`.
        tenant: Whose run it is.
        run_id: The run's workflow id. What this run did before a resume can be done again under
            the same key; what another one did, or this one as `made` says, cannot.
        database: SQLAlchemy URL of Holdfast's own database.
    """

    arguments: dict[str, Any]
    made: tuple[CallMade, ...]
    task: str
    data: dict[str, str]
    tenant: str
    run_id: str = ""
    database: str = ""

    def results_of(self, tool: str) -> list[CallMade]:
        """Return the calls of `tool` that ran, in order."""
        return [call for call in self.made if call.tool == tool]


SecondCheck = Callable[[Proposal], str | Awaitable[str]]
"""Returns why the call must not run; an empty text lets it. What it raises refuses the call."""
