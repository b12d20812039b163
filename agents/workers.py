"""What a worker's folder is written with: an agent that does one typed task and answers typed.

A worker is an agent like any other, with its input and its output declared: its answer is the
union of success, failure and a question to a person, over its own type of output.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pydantic import BaseModel

from agents.registry import agents
from agents.toolkit import Agent
from domain.workers import WorkerAnswer, WorkerCard


@dataclass(frozen=True, kw_only=True)
class Worker(Agent):
    """A worker as its author writes it.

    Attributes:
        takes: Pydantic model of its input.
        gives: Pydantic model of its output.
    """

    takes: type[BaseModel]
    gives: type[BaseModel]

    def __post_init__(self) -> None:
        """Make its answer the union over `gives`.

        Raises:
            TypeError: It was declared with an answer, or a plan, of its own.
        """
        union = WorkerAnswer[self.gives]
        # A copy of a worker has the union already.
        if self.answer not in (None, union) or self.plan != "none":
            raise TypeError(f"worker {self.name!r}: it answers by `gives`, and never plans")
        object.__setattr__(self, "answer", union)

    @property
    def card(self) -> WorkerCard:
        """The worker as the orchestrator knows it."""
        return WorkerCard(
            name=self.name,
            description=self.description,
            takes=self.takes.model_json_schema(),
            gives=self.gives.model_json_schema(),
            files=tuple(self.inputs),
        )


def workers(of: Mapping[str, Agent] | None = None) -> dict[str, Worker]:
    """Return every worker by its name, among the agents there are or among `of`."""
    there = agents() if of is None else of
    return {name: agent for name, agent in there.items() if isinstance(agent, Worker)}


@cache
def cards() -> dict[str, WorkerCard]:
    """Return every worker's card, by its name."""
    return {name: worker.card for name, worker in workers().items()}
