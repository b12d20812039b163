"""LangGraph on Temporal: its model and tool nodes as activities."""

# pyright: basic, reportMissingImports=false
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from common import SYSTEM, serve
    from graph_nodes import builder
    from langchain_core.messages import HumanMessage, SystemMessage
    from temporalio.langgraph import LangGraphPlugin, graph


@workflow.defn(name="LangGraph")
class LangGraph:
    """One agent's run."""

    @workflow.run
    async def run(self, agent: str, task: str) -> str:
        """Run until the model answers."""
        app = graph("bench").compile()
        said = [SystemMessage(SYSTEM[agent]), HumanMessage(task)]
        out = await app.ainvoke({"messages": said}, {"recursion_limit": 100_000})
        last = out["messages"][-1]
        return last["content"] if isinstance(last, dict) else last.content


if __name__ == "__main__":
    plugin = LangGraphPlugin(graphs={"bench": builder})
    asyncio.run(serve("langgraph", LangGraph, plugins=[plugin]))
