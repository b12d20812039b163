"""LangGraph's nodes; apart, so that the workflow sandbox does not build the graphs again."""

# pyright: basic, reportMissingImports=false
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from datetime import timedelta

from common import CHARGE_DOC, LOOKUP_DOC, MODEL, MODEL_URL, charge_for, lookup_text
from langchain_core.messages import convert_to_messages
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode


@tool(description=LOOKUP_DOC)
async def lookup(key: str) -> str:
    """Look a key up."""
    return lookup_text(key)


@tool(description=CHARGE_DOC)
async def drill_charge(item: str) -> str:
    """Charge for an item."""
    return await charge_for(item)


TOOLS = [lookup, drill_charge]
node = ToolNode(TOOLS)
llm = ChatOpenAI(model=MODEL, base_url=MODEL_URL, api_key="offline", max_retries=0).bind_tools(
    TOOLS
)


async def model(state: MessagesState) -> dict:
    """Ask the model with the whole conversation; messages arrive as dicts."""
    return {"messages": [await llm.ainvoke(convert_to_messages(state["messages"]))]}


async def tools(state: MessagesState) -> dict:
    """Run the calls of the last message."""
    return await node.ainvoke({"messages": convert_to_messages(state["messages"])})


async def route(state: MessagesState) -> str:
    """Go to the tools while the model calls any."""
    return "tools" if convert_to_messages(state["messages"][-1:])[0].tool_calls else END


where = {"execute_in": "activity", "start_to_close_timeout": timedelta(seconds=60)}
builder = StateGraph(MessagesState)
builder.add_node("model", model, metadata=where)
builder.add_node("tools", tools, metadata=where)
builder.add_edge(START, "model")
builder.add_conditional_edges("model", route, ["tools", END])
builder.add_edge("tools", "model")
