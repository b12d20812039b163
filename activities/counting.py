"""Adding a closed run to the fleet's numbers, once, whoever closes it."""

from collections.abc import Mapping, Sequence, Set
from typing import Protocol

from agents.toolkit import Agent
from domain.activity import Report
from domain.counting import Bounds, Classes, amounts_of, classes_of
from domain.measures import Amount


class Numbers(Protocol):
    """Where the fleet's numbers are kept."""

    async def count(self, execution: str, amounts: Sequence[Amount]) -> bool:
        """Add what an execution came to; False, and nothing is added, where that was done."""
        ...


class Counting:
    """Knows what labels may say, and keeps what is counted."""

    def __init__(
        self, agents: Mapping[str, Agent], numbers: Numbers, tenants: Set[str] = frozenset()
    ) -> None:
        self._agents = agents
        self._numbers = numbers
        self._tenants = tenants
        self._classes: dict[str, Classes] = {}

    async def count(self, execution: str, report: Report) -> None:
        """Add what an execution came to. Idempotent."""
        known = {report.agent: self._classes_of(report.agent)}
        bounds = Bounds(self._agents.keys(), self._tenants, known)
        await self._numbers.count(execution, amounts_of(report, bounds))

    def _classes_of(self, agent: str) -> Classes:
        """Return the fields of an agent's answer whose values are few; looked up once."""
        if agent not in self._agents:
            return {}
        if agent not in self._classes:
            self._classes[agent] = classes_of(self._agents[agent].spec().answer_schema)
        return self._classes[agent]
