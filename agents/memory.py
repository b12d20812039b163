"""The tools of an agent that remembers: `recall`, `remember`, `remember_preference`.

They are offered where the agent's `MemoryPolicy` says so. The model says what; whose memory it is
comes with the call and cannot be said.
"""

from dataclasses import replace
from typing import Annotated, Final

from pydantic import Field

from agents.agent import Agent
from agents.remembering import Remembering
from agents.tooling import Tool, ToolContext, ToolError, tool
from domain.memory import MAX_NAME, MemoryPolicy
from domain.recollection import shown

Words = Annotated[str, Field(min_length=1, max_length=4_000)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
_NOTHING: Final = "nothing that is remembered fits this question"


@tool(effect="read", source="ours", memory=True)
async def recall(context: ToolContext, question: Words) -> str | list[dict[str, object]]:
    """Look up what is remembered from earlier runs and documents: few passages, with sources.

    Args:
        context: Of the call.
        question: What you want to know, in the words that the answer would have.
    """
    found = await _memory(context).recall(question)
    return [shown(each) for each in found] if found else _NOTHING


@tool(effect="write", idempotent=True, memory=True)
async def remember(context: ToolContext, fact: Words, source: Words) -> str:
    """Remember a fact for later runs: one sentence that can be understood by itself.

    Args:
        context: Of the call.
        fact: The fact.
        source: Where it is from: a document and a place in it, a tool, a person.
    """
    return f"remembered as {await _memory(context).remember(fact, source)}"


@tool(effect="write", idempotent=True, memory=True)
async def remember_preference(context: ToolContext, about: Name, preference: Words) -> str:
    """Remember how the requester wants things done, for all their later runs.

    Args:
        context: Of the call.
        about: What it concerns, in a word or two, for example `language`. The requester's earlier
            preference about the same is replaced.
        preference: The preference, in one sentence.
    """
    try:
        memory_id = await _memory(context).prefer(about, preference)
    except LookupError as error:
        raise ToolError(str(error)) from None
    return f"remembered as {memory_id}"


def remembering(agent: Agent) -> Agent:
    """Return an agent with the tools that its memory asks for."""
    policy = agent.memory
    if policy is None:
        return agent
    own = [each for each in agent.tools if each not in offered(policy)]
    return replace(agent, tools=[*own, *offered(policy)])


def offered(policy: MemoryPolicy) -> list[Tool]:
    """Return the tools that an agent with this policy is offered."""
    if not policy.tools:
        return []
    found = [recall, remember] if policy.knowledge else []
    return [*found, remember_preference] if policy.preferences else found


def _memory(context: ToolContext) -> Remembering:
    if context.memory is None:
        raise ToolError("this run has no memory: its agent, or its tenant's name, allows none")
    return context.memory
