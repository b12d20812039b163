"""Holdfast as an MCP server: other programs' models start runs and ask what became of them.

It starts and it tells; it decides nothing. There is no tool that answers a question or lets a
stopped run go on, since whoever calls is a model, and a run asks for a person.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final, TypeVar

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from agents.toolkit import Agent
from commands.doors import Door
from commands.errors import CommandError, explain
from domain.access import Scope
from domain.door import RunView

MOST_WAIT_S: Final = 120.0
_INSTRUCTIONS: Final = (
    "Starts durable runs of agents and tells what became of them. A run may take minutes, or wait "
    "days for a person: start it, then ask run_status now and then, or run_result with wait_s. "
    "What a run asks is for a person to answer in Holdfast; nothing here can answer it."
)
_LOOKS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_STARTS: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=True
)

T = TypeVar("T")
DoorFor = Callable[["Context[Any, Any]", Scope, str], Door]
RunId = Annotated[str, Field(description="As start_run returned it.")]


class AgentListed(BaseModel):
    """An agent that can be started.

    Attributes:
        inputs: Names that `data` must have.
        answer_schema: JSON Schema of its answer; nothing for plain text.
    """

    name: str
    description: str
    tools: list[str]
    inputs: list[str]
    answer_schema: dict[str, Any] | None = None


class AgentList(BaseModel):
    """The agents."""

    agents: list[AgentListed]


class RunStarted(BaseModel):
    """The run that stands for the idempotency key.

    Attributes:
        new: It was started by this call, not by an earlier one with the same key.
    """

    run_id: str
    new: bool


class RunStanding(BaseModel):
    """Where a run is.

    Attributes:
        waits_for: `a person's answer` or `a person to mend what stopped it`; empty: nobody.
        question: What the person is asked, in one line.
        outcome: How it ended; empty while it is under way.
    """

    run_id: str
    agent: str
    state: str
    outcome: str = ""
    waits_for: str = ""
    question: str = ""
    turns: int = 0
    cost_usd: float = 0


class RunResult(BaseModel):
    """What a run came to, or where it is.

    Attributes:
        ended: Whether there is a result; if not, ask again.
    """

    run_id: str
    ended: bool
    outcome: str = ""
    answer: Any = None
    reason: str = ""
    not_done: list[str] = Field(default_factory=list)
    waits_for: str = ""
    question: str = ""


def server(door: DoorFor, agents: Mapping[str, Agent]) -> MCPServer:
    """Return the server.

    Args:
        agents: Who can be started, by name.
        door: Returns the door of whoever calls, if they may: the scope that is needed, and what
            they want to start.
    """
    made = MCPServer("holdfast", instructions=_INSTRUCTIONS, subscriptions=False)

    @made.tool(description="List the agents that can be started.", annotations=_LOOKS)
    async def list_agents() -> AgentList:
        return AgentList(agents=listed_agents(agents))

    @made.tool(
        description=(
            "Start an agent on a task, and return at once. The same idempotency_key again returns "
            "the same run, so a call that got no answer can be made again."
        ),
        annotations=_STARTS,
    )
    async def start_run(
        agent: Annotated[str, Field(description="Name of the agent, as list_agents has it.")],
        task: Annotated[str, Field(description="What it shall do, in words or as JSON.")],
        idempotency_key: Annotated[
            str, Field(description="Your name for this start, 1 to 200 characters.")
        ],
        ctx: "Context[Any, Any]",
        data: Annotated[
            dict[str, str] | None, Field(description="Inputs that the agent's tools need.")
        ] = None,
    ) -> RunStarted:
        async def start() -> RunStarted:
            own = door(ctx, "start", "agent")
            started = await own.start_agent(agent, task, idempotency_key, data)
            return RunStarted(run_id=started.run_id, new=started.new)

        return await _told(start)

    @made.tool(description="Tell where a run is.", annotations=_LOOKS)
    async def run_status(run_id: RunId, ctx: "Context[Any, Any]") -> RunStanding:
        async def status() -> RunStanding:
            return standing(await door(ctx, "read", "").status(run_id))

        return await _told(status)

    @made.tool(
        description="Return what a run came to; where it has not ended, what it does or waits for.",
        annotations=_LOOKS,
    )
    async def run_result(
        run_id: RunId,
        ctx: "Context[Any, Any]",
        wait_s: Annotated[
            float, Field(ge=0, le=MOST_WAIT_S, description="Seconds to wait for its end.")
        ] = 0,
    ) -> RunResult:
        async def result() -> RunResult:
            return await _result(door(ctx, "read", ""), run_id, wait_s)

        return await _told(result)

    return made


def listed_agents(agents: Mapping[str, Agent]) -> list[AgentListed]:
    """Return the agents as programs are told of them."""
    specs = [agent.spec() for agent in agents.values()]
    return [
        AgentListed(
            name=spec.name,
            description=spec.description,
            tools=sorted(spec.tool_names),
            inputs=list(spec.inputs),
            answer_schema=spec.answer_schema,
        )
        for spec in specs
    ]


def standing(view: RunView) -> RunStanding:
    """Return a run's status in the words of this server."""
    waits = {"answer": "a person's answer", "repair": "a person to mend what stopped it"}
    said = view.said
    question = ""
    if said is not None:
        question = str((said.question or {}).get("title", "")) or (
            said.stop.reason if said.stop else ""
        )
    return RunStanding(
        run_id=view.run_id,
        agent=view.agent,
        state=view.state or view.status,
        outcome=view.outcome,
        waits_for=waits.get(view.waits, ""),
        question=question,
        turns=said.turn if said else 0,
        cost_usd=view.cost_usd,
    )


async def _result(door: Door, run_id: str, wait_s: float) -> RunResult:
    end = await door.result(run_id, wait_s)
    if end is None:
        now = standing(await door.status(run_id))
        return RunResult(run_id=run_id, ended=False, waits_for=now.waits_for, question=now.question)
    result = end.result or {}
    return RunResult(
        run_id=run_id,
        ended=True,
        outcome=end.outcome,
        answer=result.get("answer"),
        reason=end.failure or str(result.get("reason", "")),
        not_done=[str(each) for each in result.get("not_done", ())],
    )


async def _told(work: Callable[[], Awaitable[T]]) -> T:
    """Do `work`, and tell the caller's model in one line why it cannot be done.

    Raises:
        ToolError: For what is expected to go wrong; the rest is a bug, which the SDK hides.
    """
    try:
        return await work()
    except CommandError as error:
        raise ToolError(str(error)) from None
    except Exception as error:
        known = explain(error)
        if known is None:
            raise
        raise ToolError(known[0]) from None
