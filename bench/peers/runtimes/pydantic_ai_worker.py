"""Pydantic AI on Temporal, as its documentation shows."""

# pyright: basic, reportMissingImports=false
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from common import CHARGE_DOC, LOOKUP_DOC, MODEL, SYSTEM, charge_for, client, lookup_text, serve
    from pydantic_ai import Agent, FunctionToolset
    from pydantic_ai.durable_exec.temporal import PydanticAIPlugin, TemporalDurability
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.usage import UsageLimits

tools = FunctionToolset(id="tools")


@tools.tool_plain(description=LOOKUP_DOC)
async def lookup(key: str) -> str:
    """Look a key up."""
    return lookup_text(key)


@tools.tool_plain(description=CHARGE_DOC)
async def drill_charge(item: str) -> str:
    """Charge for an item."""
    return await charge_for(item)


model = OpenAIChatModel(MODEL, provider=OpenAIProvider(openai_client=client()))
agents = {
    name: Agent(
        model,
        name=name,
        instructions=SYSTEM[name],
        toolsets=[tools],
        capabilities=[TemporalDurability()],
    )
    for name in SYSTEM
}
NO_LIMIT = UsageLimits(request_limit=None)


@workflow.defn(name="PydanticAI")
class PydanticAI:
    """One agent's run."""

    __pydantic_ai_agents__ = tuple(agents.values())

    @workflow.run
    async def run(self, agent: str, task: str) -> str:
        """Run until the model answers."""
        return (await agents[agent].run(task, usage_limits=NO_LIMIT)).output


if __name__ == "__main__":
    asyncio.run(serve("pydantic_ai", PydanticAI, plugins=[PydanticAIPlugin()]))
