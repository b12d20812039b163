"""Known tickets and their categories, and which of them are most like a new one.

The search is full text in the database: an index of words, in a table, the same for SQLite and
PostgreSQL. It brings the candidates; how alike they are is the cosine of their weighted words.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from domain.contract import digest
from domain.likeness import cosine, rarity, words
from domain.taxonomy import Example
from runtime.database import Database
from runtime.tables import EXAMPLE_WORDS, EXAMPLES

_CANDIDATES: Final = 40
_MOST_WORD: Final = 64
_WORDS: Final = EXAMPLE_WORDS.c


class Examples:
    """What is known, by tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, tenant: str, examples: Iterable[Example], source: str) -> None:
        """Keep examples. The same text again takes the category that was said last."""
        kept = list(examples)
        await self._database.run(
            lambda connection: learn(self._database, connection, tenant, kept, source)
        )

    async def nearest(
        self, tenant: str, text: str, categories: Sequence[str], most: int = 4
    ) -> list[tuple[Example, float]]:
        """Return the known tickets that are most like `text`, best first, each with its cosine.

        Args:
            tenant: Whose.
            text: The new ticket.
            categories: Only examples of these count.
            most: So many at most.
        """
        mine = words(text)
        return await self._database.run(
            lambda connection: _nearest(connection, tenant, mine, categories, most)
        )


def learn(
    database: Database, connection: Connection, tenant: str, examples: list[Example], source: str
) -> None:
    """Keep examples within a transaction of the caller's."""
    now = datetime.now(UTC)
    rows = {
        digest(tenant, example.text): {
            "id": digest(tenant, example.text),
            "tenant": tenant,
            "category": example.category,
            "text": example.text,
            "source": source,
            "created_at": now,
        }
        for example in examples
    }
    if not rows:
        return
    insert = database.insert(EXAMPLES)
    fresh = {name: insert.excluded[name] for name in ("category", "source", "created_at")}
    if source == "taxonomy":  # a file does not take back what a person has corrected
        insert = insert.on_conflict_do_nothing()
    else:
        insert = insert.on_conflict_do_update(index_elements=["id"], set_=fresh)
    connection.execute(insert, list(rows.values()))
    index = [
        {"tenant": tenant, "word": word, "example": key}
        for key, row in rows.items()
        for word in dict.fromkeys(word[:_MOST_WORD] for word in words(str(row["text"])))
    ]
    if index:
        connection.execute(database.insert(EXAMPLE_WORDS).on_conflict_do_nothing(), index)


def _nearest(
    connection: Connection,
    tenant: str,
    mine: Counter[str],
    categories: Sequence[str],
    most: int,
) -> list[tuple[Example, float]]:
    known = connection.execute(
        sa.select(sa.func.count()).select_from(EXAMPLES).where(EXAMPLES.c.tenant == tenant)
    ).scalar_one()
    found = _candidates(connection, tenant, mine, categories)
    bags = [(Example(text=text, category=category), words(text)) for text, category in found]
    all_words = set(mine).union(*(bag for _, bag in bags))
    seen = _frequencies(connection, tenant, all_words)
    weights = {word: rarity(known, seen.get(word[:_MOST_WORD], 0)) for word in all_words}
    ranked = sorted(
        ((example, cosine(mine, bag, weights)) for example, bag in bags),
        key=lambda pair: (-pair[1], pair[0].text),
    )
    return ranked[:most]


def _candidates(
    connection: Connection, tenant: str, mine: Counter[str], categories: Sequence[str]
) -> list[tuple[str, str]]:
    """Return the examples that share most words with a ticket, as text and category."""
    shared = (
        sa.select(_WORDS.example, sa.func.count().label("shared"))
        .where(_WORDS.tenant == tenant, _WORDS.word.in_([word[:_MOST_WORD] for word in mine]))
        .group_by(_WORDS.example)
        .subquery()
    )
    query = (
        sa.select(EXAMPLES.c.text, EXAMPLES.c.category)
        .join(shared, shared.c.example == EXAMPLES.c.id)
        .where(EXAMPLES.c.category.in_(list(categories)))
        .order_by(shared.c.shared.desc(), EXAMPLES.c.id)
        .limit(_CANDIDATES)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def _frequencies(connection: Connection, tenant: str, of: Iterable[str]) -> dict[str, int]:
    """Return in how many examples each word stands."""
    query = (
        sa.select(_WORDS.word, sa.func.count())
        .where(_WORDS.tenant == tenant, _WORDS.word.in_([word[:_MOST_WORD] for word in of]))
        .group_by(_WORDS.word)
    )
    return {row[0]: int(row[1]) for row in connection.execute(query)}
