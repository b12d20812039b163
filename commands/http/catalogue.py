"""Routes: what can be started, and with what."""

from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from agents.registry import agents
from commands.http.auth import Reader
from commands.http.runs import told
from commands.kinds import Kind, startable

ROUTES: Final = APIRouter(prefix="/v1", tags=["catalogue"])


class Workflow(BaseModel):
    """A workflow that can be started."""

    name: str = Field(examples=["agent"])
    about: str
    input: dict[str, Any] = Field(description="JSON Schema of the input.")
    result: dict[str, Any] = Field(description="JSON Schema of the result.")


class AgentCard(BaseModel):
    """An agent: what `agent` in the input of the workflow `agent` can name."""

    name: str = Field(examples=["auditor"])
    about: str
    inputs: list[str] = Field(description="What `data` must hold.")
    answer: dict[str, Any] | None = Field(description="JSON Schema of its answer; null: a text.")


class Workflows(BaseModel):
    """All that the token may start."""

    workflows: list[Workflow]


class Agents(BaseModel):
    """All agents."""

    agents: list[AgentCard]


@ROUTES.get("/workflows", responses=told())
async def list_workflows(token: Reader) -> Workflows:
    """List the workflows that the token may start, with the schemas of input and result."""
    found = [
        _workflow(kind) for name, kind in sorted(startable().items()) if _may(token.workflows, name)
    ]
    return Workflows(workflows=found)


@ROUTES.get("/agents", responses=told())
async def list_agents(_: Reader) -> Agents:
    """List the agents that the workflow `agent` can run."""
    return Agents(
        agents=[
            AgentCard(
                name=agent.name,
                about=agent.spec().description,
                inputs=list(agent.inputs),
                answer=agent.spec().answer_schema,
            )
            for agent in agents().values()
        ]
    )


def _may(workflows: tuple[str, ...], name: str) -> bool:
    return not workflows or name in workflows


def _workflow(kind: Kind) -> Workflow:
    return Workflow(
        name=kind.name,
        about=kind.about,
        input=kind.schema(),
        result=kind.result.model_json_schema(mode="serialization"),
    )
