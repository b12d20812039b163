"""The index of passages: the same statements on SQLite (FTS5) and PostgreSQL (tsvector).

Tools and activities share these; each brings its own connection. A collection is what one run has
read: names that stand for documents. A document that many runs read is kept and indexed once.
Everything that is asked is asked of one collection, so a run sees its own documents only.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from agents.databases import insert_once
from agents.reading.passages import Cut
from agents.reading.words import STOP, words
from domain.researching import Document, Passage

_DOCUMENTS = sa.table(
    "documents",
    sa.column("id", sa.String),
    sa.column("characters", sa.Integer),
    sa.column("passages", sa.Integer),
    sa.column("created_at", sa.DateTime(timezone=True)),
)
_PASSAGES = sa.table(
    "passages",
    sa.column("id", sa.String),
    sa.column("document", sa.String),
    sa.column("position", sa.Integer),
    sa.column("start", sa.Integer),
    sa.column("place", sa.Text),
    sa.column("text", sa.Text),
)
_COLLECTIONS = sa.table(
    "collections",
    sa.column("collection", sa.String),
    sa.column("name", sa.String),
    sa.column("document", sa.String),
)
_MOST_TERMS: Final = 24
_WORDS: Final = {
    "sqlite": "INSERT INTO passage_words (passage, words) VALUES (:passage, :words)",
    "postgresql": "INSERT INTO passage_words (passage, words) "
    "VALUES (:passage, to_tsvector('english', :words)) ON CONFLICT DO NOTHING",
}
_FOUND: Final = """
SELECT p.id, p.document, c.name, p.start, p.place, p.text
FROM passage_words
JOIN passages p ON p.id = passage_words.passage
JOIN (SELECT document, min(name) AS name FROM collections WHERE collection = :collection
      GROUP BY document) c ON c.document = p.document
WHERE {match} ORDER BY {rank}, p.id LIMIT :most
"""
_SEARCH: Final = {
    "sqlite": _FOUND.format(match="passage_words MATCH :terms", rank="passage_words.rank"),
    "postgresql": _FOUND.format(
        match="passage_words.words @@ to_tsquery('english', :terms)",
        rank="ts_rank(passage_words.words, to_tsquery('english', :terms), 1) DESC",
    ),
}


class Place(NamedTuple):
    """A document of a collection, and from which of its passages to read."""

    name: str
    position: int


def add(connection: sa.Connection, document: str, characters: int, cuts: Sequence[Cut]) -> None:
    """Keep a document and index its passages. Idempotent: one that is known changes nothing."""
    row = {
        "id": document,
        "characters": characters,
        "passages": len(cuts),
        "created_at": datetime.now(UTC),
    }
    # The row is a lock as well: who else adds this document waits here for the first to end.
    connection.execute(insert_once(connection.dialect, _DOCUMENTS), row)
    known = sa.select(_PASSAGES.c.id).where(_PASSAGES.c.document == document).limit(1)
    if connection.execute(known).first() is not None:
        return
    rows = [
        {
            "id": cut.id,
            "document": document,
            "position": position,
            "start": cut.offset,
            "place": cut.place,
            "text": cut.text,
        }
        for position, cut in enumerate(cuts)
    ]
    connection.execute(sa.insert(_PASSAGES), rows)
    indexed = [{"passage": cut.id, "words": f"{cut.place}\n{cut.text}"} for cut in cuts]
    connection.execute(sa.text(_WORDS[connection.dialect.name]), indexed)


def collect(connection: sa.Connection, collection: str, name: str, document: str) -> None:
    """Put a document into a collection under a name; the name's first document stays."""
    row = {"collection": collection, "name": name, "document": document}
    connection.execute(insert_once(connection.dialect, _COLLECTIONS), row)


def collected(connection: sa.Connection, collection: str) -> list[Document]:
    """Return the documents of a collection, by name."""
    query = (
        sa.select(
            _DOCUMENTS.c.id,
            _COLLECTIONS.c.name,
            _DOCUMENTS.c.characters,
            _DOCUMENTS.c.passages,
        )
        .join_from(_COLLECTIONS, _DOCUMENTS, _COLLECTIONS.c.document == _DOCUMENTS.c.id)
        .where(_COLLECTIONS.c.collection == collection)
        .order_by(_COLLECTIONS.c.name)
    )
    return [Document(**row) for row in connection.execute(query).mappings()]


def search(
    connection: sa.Connection, collection: str, query: str, most: int
) -> tuple[Passage, ...]:
    """Return the passages that hold any of the words of `query`, the best first."""
    terms = _terms(query)
    if not terms:
        return ()
    dialect = connection.dialect.name
    wanted = " OR ".join(f'"{term}"' for term in terms)
    if dialect == "postgresql":
        wanted = " | ".join(f"'{term}'" for term in terms)
    given = {"collection": collection, "terms": wanted, "most": most}
    return _passages(connection.execute(sa.text(_SEARCH[dialect]), given).mappings())


def _terms(query: str) -> list[str]:
    """Return the words to look for; nothing in them is an operator of either database."""
    found = dict.fromkeys(
        part
        for word in [*words(query), *(w for w in query.split() if w.isdigit())]
        for part in word.replace("'", " ").replace("-", " ").split()
        if part not in STOP and part.replace("_", "").isalnum()
    )
    return list(found)[:_MOST_TERMS]


def passages(connection: sa.Connection, collection: str, ids: Iterable[str]) -> tuple[Passage, ...]:
    """Return those of `ids` that are passages of documents in the collection."""
    query = _of(collection).where(_PASSAGES.c.id.in_(sorted(set(ids))))
    found = {passage.id: passage for passage in _passages(connection.execute(query).mappings())}
    return tuple(found.values())


def read(connection: sa.Connection, collection: str, at: Place, most: int) -> tuple[Passage, ...]:
    """Return passages of a document in their order, from a position."""
    query = (
        _of(collection)
        .where(_COLLECTIONS.c.name == at.name, _PASSAGES.c.position >= at.position)
        .order_by(_PASSAGES.c.position)
        .limit(most)
    )
    return _passages(connection.execute(query).mappings())


def _of(collection: str) -> sa.Select[Any, Any, Any, Any, Any, Any]:
    return (
        sa.select(
            _PASSAGES.c.id,
            _PASSAGES.c.document,
            _COLLECTIONS.c.name,
            _PASSAGES.c.start,
            _PASSAGES.c.place,
            _PASSAGES.c.text,
        )
        .join_from(_PASSAGES, _COLLECTIONS, _COLLECTIONS.c.document == _PASSAGES.c.document)
        .where(_COLLECTIONS.c.collection == collection)
        .order_by(_COLLECTIONS.c.name.desc())  # of two names of one document, the first is kept
    )


def _passages(rows: Iterable[sa.RowMapping]) -> tuple[Passage, ...]:
    return tuple(
        Passage(
            id=row["id"],
            document=row["document"],
            name=row["name"],
            offset=row["start"],
            place=row["place"],
            text=row["text"],
        )
        for row in rows
    )
