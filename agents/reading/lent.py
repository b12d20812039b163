"""Tools that others lend to those who search: what they return becomes a document of the run.

So a page that a search of the web has brought is cited, and each citation checked, as a file of the
folder is: against the words that the tool returned, which the model cannot change.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from agents.reading import index
from agents.reading.files import Text
from agents.reading.passages import cut, document_id
from agents.reading.tools import COLLECTION, Passages, engine_of, shown
from agents.toolkit import Agent, Tool, ToolContext, ToolError
from domain.contract import canonical

SEARCHES: Final = ("researcher_search", "researcher_reader")
_OWN: Final = frozenset({"search_passages", "list_documents", "read_passages", "read_artifact"})
_MOST: Final = 100_000  # characters of one result that are kept
_MOST_SHOWN: Final = 12


def citing(agents: Mapping[str, Agent]) -> dict[str, Agent]:
    """Return `agents`; the reads lent to those who search keep what they return."""
    return {
        name: replace(agent, tools=[_kept(tool) for tool in agent.tools])
        if name in SEARCHES
        else agent
        for name, agent in agents.items()
    }


def _kept(tool: Tool) -> Tool:
    if tool.spec.name in _OWN or tool.spec.writes:
        return tool

    async def run(**given: Any) -> str:
        context: ToolContext = given[tool.context_as or "context"]
        passed = given if tool.context_as else {k: v for k, v in given.items() if k != "context"}
        text = str(await tool.function(**passed))
        arguments = {name: each for name, each in passed.items() if name != tool.context_as}
        about = canonical(arguments.get("root", arguments)).decode()
        return await asyncio.to_thread(_document, tool.spec.name, about, text, context)

    return replace(tool, function=run, context_as=tool.context_as or "context")


def _document(tool: str, about: str, text: str, context: ToolContext) -> str:
    """Keep a result as a document of the run, and return its first passages."""
    collection = context.data.get(COLLECTION, "")
    if not text.strip() or not collection:
        return text
    if not context.database:
        raise ToolError("there is no database to keep the result in: set HOLDFAST_DATABASE_URL")
    whole = Text(text[:_MOST])
    cuts, document = cut(whole), document_id(whole.text)
    with engine_of(context.database).begin() as connection:
        index.add(connection, document, len(whole.text), cuts)
        index.collect(connection, collection, f"{tool} {about[:200]} ({document[:6]})", document)
        ids = [each.id for each in cuts[:_MOST_SHOWN]]
        found = index.passages(connection, collection, ids)
    first: Passages = shown(tuple(sorted(found, key=lambda each: each.offset)))
    return first.model_dump_json()
