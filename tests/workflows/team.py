"""Two agents, one of which calls the other, for tests."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel

from agents.delegation import delegate
from agents.toolkit import Agent, Tool
from tests.fakes import Asked, Step
from tests.workflows.stage import agent


class Errand(BaseModel):
    """What the helper is asked."""

    item: str
    times: int = 1


class Found(BaseModel):
    """What the helper answers."""

    value: str


def errand(**declared: Any) -> Tool:
    """Return the tool that sends the helper on an errand."""
    return delegate("helper", Errand, does="Runs an errand.", **declared)


def team(
    tools: Sequence[Tool] = (), helper: dict[str, Any] | None = None, **caller: Any
) -> list[Agent]:
    """Return the caller, which has `tools` or an errand for the helper, and the helper."""
    return [
        agent("caller", tools=[*(tools or [errand()])], **caller),
        agent("helper", **(helper or {})),
    ]


def by_agent(**scripts: Sequence[Step] | Callable[[Asked], Step]) -> Callable[[Asked], Step]:
    """Return a script in which each agent follows its own."""
    left = {name: list(script) for name, script in scripts.items() if not callable(script)}

    def follow(asked: Asked) -> Step:
        script = scripts[asked.agent]
        return script(asked) if callable(script) else left[asked.agent].pop(0)

    return follow
