"""What the specialists that search may do: find passages and read on. All are reads.

The run's collection comes with its data, which a model can neither see nor set.
"""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Final, TypeVar

import sqlalchemy as sa
from pydantic import Field

from agents.databases import engine_of_thread
from agents.reading import index
from agents.toolkit import ToolContext, ToolError, tool
from domain.contract import Contract
from domain.researching import Document, Passage

COLLECTION: Final = "collection"
"""Name of the run's data that says which documents are its own."""
_MOST_NAMES: Final = 200

_Out = TypeVar("_Out")


class Shown(Contract):
    """A passage as a model reads it."""

    passage: str
    document: str
    place: str = ""
    text: str


class Passages(Contract):
    """Passages, the best or the next first."""

    passages: tuple[Shown, ...]


class Documents(Contract):
    """Names of documents, each with how many passages it has."""

    documents: tuple[str, ...]
    more: int = 0


@tool(effect="read", source="outside", timeout=30)
async def search_passages(
    context: ToolContext,
    query: Annotated[str, Field(min_length=1, max_length=500)],
    most: Annotated[int, Field(ge=1, le=12)] = 8,
) -> Passages:
    """Find the passages of the documents that fit some words best.

    Args:
        context: Of the call.
        query: Words to look for; passages with more of them come first.
        most: How many passages to return.
    """
    found = await _ask(context, lambda connection, own: index.search(connection, own, query, most))
    return shown(found)


@tool(effect="read", source="outside", timeout=30)
async def list_documents(context: ToolContext, start: Annotated[int, Field(ge=0)] = 0) -> Documents:
    """List the documents by name, each with how many passages it has.

    Args:
        context: Of the call.
        start: How many names to leave out, to read on in a long list.
    """
    found = await _ask(context, index.collected)
    page = found[start : start + _MOST_NAMES]
    lines = tuple(_line(document) for document in page)
    return Documents(documents=lines, more=max(0, len(found) - start - len(page)))


@tool(effect="read", source="outside", timeout=30)
async def read_passages(
    context: ToolContext,
    document: Annotated[str, Field(max_length=1024)],
    position: Annotated[int, Field(ge=0)] = 0,
) -> Passages:
    """Read a document's passages in their order.

    Args:
        context: Of the call.
        document: Its name, as `list_documents` or a passage has it.
        position: The passage to begin with; the first is 0.
    """
    at = index.Place(document, position)
    found = await _ask(context, lambda connection, own: index.read(connection, own, at, 8))
    if not found:
        raise ToolError(f"there is no passage {position} in a document called {document!r}")
    return shown(found)


def _line(document: Document) -> str:
    return f"{document.name} ({document.passages} passages)"


def shown(found: tuple[Passage, ...]) -> Passages:
    """Return passages as a model reads them."""
    return Passages(
        passages=tuple(
            Shown(passage=each.id, document=each.name, place=each.place, text=each.text)
            for each in found
        )
    )


async def _ask(context: ToolContext, question: Callable[[sa.Connection, str], _Out]) -> _Out:
    """Put a question to the index, of the run's own collection."""
    if not context.database:
        raise ToolError("there is no database with documents: set HOLDFAST_DATABASE_URL")

    def asked() -> _Out:
        with engine_of(context.database).connect() as connection:
            return question(connection, context.data.get(COLLECTION, ""))

    return await asyncio.to_thread(asked)


@lru_cache(maxsize=4)
def engine_of(database: str) -> sa.Engine:
    """Return what connects to a database; of each there is one."""
    return engine_of_thread(database)
