"""The OpenAI Agents SDK on Temporal, as its documentation shows."""

# pyright: basic, reportMissingImports=false
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

import asyncio
from datetime import timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from common import MODEL, SYSTEM, charge_for, client, lookup_text, serve
    from temporalio.openai_agents import ModelActivityParameters, OpenAIAgentsPlugin
    from temporalio.openai_agents.workflow import activity_as_tool

    from agents import Agent, OpenAIProvider, Runner

MINUTE = timedelta(seconds=60)


@activity.defn
async def lookup(key: str) -> str:
    """Look a key up and return its text. Keys are <turn>|<bytes>."""
    return lookup_text(key)


@activity.defn
async def drill_charge(item: str) -> str:
    """Charge for an item."""
    return await charge_for(item)


@workflow.defn(name="OpenAIAgents")
class OpenAIAgents:
    """One agent's run."""

    @workflow.run
    async def run(self, agent: str, task: str) -> str:
        """Run until the model answers."""
        tools = [
            activity_as_tool(each, start_to_close_timeout=MINUTE) for each in (lookup, drill_charge)
        ]
        made = Agent(name=agent, instructions=SYSTEM[agent], model=MODEL, tools=tools)
        return str((await Runner.run(made, task, max_turns=10_000)).final_output)


if __name__ == "__main__":
    provider = OpenAIProvider(openai_client=client(), use_responses=False)
    plugin = OpenAIAgentsPlugin(ModelActivityParameters(start_to_close_timeout=MINUTE), provider)
    asyncio.run(serve("openai_agents", OpenAIAgents, [lookup, drill_charge], [plugin]))
