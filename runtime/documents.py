"""Documents that were read, and the index of their passages."""

from collections.abc import Sequence

from agents.reading import index
from agents.reading.passages import Cut
from domain.researching import Document, Passage
from runtime.database import Database


class Documents:
    """Collections of documents; SQLite and PostgreSQL alike. Every write can be repeated."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, collection: str, name: str, document: str, characters: int, cuts: Sequence[Cut]
    ) -> None:
        """Keep a document with its passages and put it into a collection under `name`."""
        async with self._database.transaction() as connection:
            await connection.run_sync(index.add, document, characters, cuts)
            await connection.run_sync(index.collect, collection, name, document)

    async def collected(self, collection: str) -> list[Document]:
        """Return the documents of a collection, by name."""
        async with self._database.transaction() as connection:
            return await connection.run_sync(index.collected, collection)

    async def search(self, collection: str, query: str, most: int = 8) -> tuple[Passage, ...]:
        """Return the passages that fit `query` best, the best first."""
        async with self._database.transaction() as connection:
            return await connection.run_sync(index.search, collection, query, most)

    async def passages(self, collection: str, ids: Sequence[str]) -> tuple[Passage, ...]:
        """Return those of `ids` that are passages of the collection."""
        async with self._database.transaction() as connection:
            return await connection.run_sync(index.passages, collection, ids)
