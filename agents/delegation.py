"""Agents as tools of agents: `delegate` for a question, `hand_off` for the rest of the work."""

from typing import Literal

from pydantic import BaseModel, TypeAdapter

from agents.toolkit import NAME, Tool, schema_of
from domain.tools import Effect, ToolSpec


def delegate(
    agent: str,
    task: type[BaseModel],
    *,
    does: str,
    name: str = "",
    share: float = 0.25,
    effect: Literal["read", "write", "irreversible"] = "read",
    result_bytes: int = 16_000,
) -> Tool:
    """Return a tool whose calls are runs of another agent.

    The other agent has its own prompt, tools and limits; it is given the typed task and nothing
    of the caller's conversation, and its answer is the call's result. What it writes and what it
    must ask for is its own affair; `effect` says whether a person is asked before it is called.

    Args:
        agent: The other agent's name.
        task: Pydantic model of what it is asked; its fields are the call's arguments.
        does: What the calling model is told that it does.
        name: Of the tool; `ask_<agent>` where empty.
        share: Part of the caller's budget, 0 to 1, that one call may use at most. It is reserved
            before the call, and what is left of it comes back.
        effect: What the call itself does to the world.
        result_bytes: UTF-8 bytes of an answer that the calling model sees.
    """
    spec = ToolSpec(
        name=name or f"ask_{agent}",
        description=does,
        parameters=_strict(task),
        effect=Effect(effect),
        result_bytes=result_bytes,
        agent=agent,
        share=share,
    )
    return _of_the_workflow(spec, task)


def hand_off(agent: str, task: type[BaseModel], *, does: str, name: str = "") -> Tool:
    """Return a tool that leaves the work to another agent, which goes on under the run's id.

    Whoever waits for the run gets the other agent's answer. It is given the typed task; what was
    spent stays spent, and the limits that the run started with still hold.

    Args:
        agent: The other agent's name.
        task: Pydantic model of what it is asked; its fields are the call's arguments.
        does: What the calling model is told that it does.
        name: Of the tool; `hand_to_<agent>` where empty.
    """
    spec = ToolSpec(
        name=name or f"hand_to_{agent}",
        description=does,
        parameters=_strict(task),
        agent=agent,
        hand_off=True,
    )
    return _of_the_workflow(spec, task)


def _strict(task: type[BaseModel]) -> dict[str, object]:
    return {**schema_of(task), "additionalProperties": False}


def _of_the_workflow(spec: ToolSpec, task: type[BaseModel]) -> Tool:
    """Return a tool that no activity runs: the workflow does, as a run below its own."""
    if not NAME.fullmatch(spec.name):
        raise TypeError(f"tool {spec.name!r}: names are lower case letters, digits and underscores")

    async def run_below() -> str:
        raise NotImplementedError(f"{spec.name} is a run of {spec.agent}, not an activity")

    return Tool(spec, run_below, task, "", TypeAdapter(str))
