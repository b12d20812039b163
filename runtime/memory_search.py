"""The two ways to find a memory, each within one scope: by its words, and by its meaning.

A scope's rows are what is searched, in the statement itself: there is no index over several
tenants whose order, counts or neighbours could show through. Words are found by FTS5 or a tsvector,
whose entries carry their scope; vectors are compared by sqlite-vec or pgvector where they are
there, else by Python, and always exactly.
"""

import sqlite3
import struct
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from operator import mul
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from domain.contract import digest
from domain.memory import Kind, Scope, Vector
from domain.relevance import coverage, spelled, terms
from runtime.tables_memory import MEMORIES, MEMORY_VECTORS

_MOST_HOLDING: Final = 2_000  # memories of a scope that are looked at for one word, the newest
_M: Final = MEMORIES.c
_V: Final = MEMORY_VECTORS.c
_COSINE: Final = "holdfast_cosine"
_INDEX: Final = {
    "sqlite": "INSERT INTO memory_words (rowid, scope, words) VALUES (:number, :scope, :words)",
    "postgresql": "INSERT INTO memory_words (number, words) VALUES "
    "(:number, to_tsvector('simple', :scope) || to_tsvector('english', :words))",
}
_UNINDEX: Final = {
    "sqlite": "DELETE FROM memory_words WHERE rowid = :number",
    "postgresql": "DELETE FROM memory_words WHERE number = :number",
}
_HOLDS: Final = {
    "sqlite": "number IN (SELECT rowid FROM memory_words WHERE memory_words MATCH :match)",
    "postgresql": "number IN (SELECT number FROM memory_words WHERE words @@ "
    "(to_tsquery('simple', :scope) && plainto_tsquery('english', :word)))",
}


def mine(scope: Scope, kinds: Sequence[Kind]) -> tuple[sa.ColumnElement[bool], ...]:
    """Return what every statement over memories is bound by: the scope, and what has expired."""
    return (
        _M.tenant == scope.tenant,
        _M.agent == scope.agent,
        _M.kind.in_(list(kinds)),
        alive(),
    )


def alive() -> sa.ColumnElement[bool]:
    """Return the condition that a memory has not expired, whether it was swept away yet or not."""
    return sa.or_(_M.expires_at.is_(None), _M.expires_at > datetime.now(UTC))


def index(connection: Connection, number: int, scope: Scope, text: str) -> None:
    """Index the words of a memory, in place of those that it had."""
    unindex(connection, [number])
    row = {"number": number, "scope": _mark(scope), "words": spelled(text)}
    connection.execute(sa.text(_INDEX[connection.dialect.name]), row)


def unindex(connection: Connection, numbers: Sequence[int]) -> None:
    """Take memories out of both indexes."""
    if numbers:
        rows = [{"number": number} for number in numbers]
        connection.execute(sa.text(_UNINDEX[connection.dialect.name]), rows)
        connection.execute(sa.delete(MEMORY_VECTORS).where(_V.number.in_(list(numbers))))


def compact(connection: Connection) -> None:
    """Drop what was forgotten from the index's files too, where a deletion only marks it."""
    if connection.dialect.name == "sqlite":
        connection.execute(sa.text("INSERT INTO memory_words (memory_words) VALUES ('optimize')"))


def by_words(
    connection: Connection, scope: Scope, kinds: Sequence[Kind], question: str, most: int
) -> dict[int, float]:
    """Return the memories that share most with a question: number and relevance, 0 to 1."""
    wanted = _searchable(connection, terms(question))
    if not wanted:
        return {}
    bound = mine(scope, kinds)
    whole = connection.execute(sa.select(sa.func.count()).where(*bound)).scalar_one()
    holding = {word: _holding(connection, scope, bound, word) for word in wanted}
    counts = {word: len(numbers) for word, numbers in holding.items()}
    held: dict[int, set[str]] = {}
    for word, numbers in holding.items():
        for number in numbers:
            held.setdefault(number, set()).add(word)
    scored = {number: coverage(counts, words, whole) for number, words in held.items()}
    best = sorted(scored, key=lambda number: (-scored[number], -number))[:most]
    return {number: scored[number] for number in best}


def _holding(
    connection: Connection, scope: Scope, bound: Sequence[sa.ColumnElement[bool]], word: str
) -> list[int]:
    """Return the memories within `bound` that hold a word in any of its forms, newest first."""
    holds = sa.text(_HOLDS[connection.dialect.name])
    query = sa.select(_M.number).where(*bound, holds).order_by(_M.number.desc())
    mark = _mark(scope)
    given = {"match": f'scope : "{mark}" AND words : "{word}"'}
    if connection.dialect.name == "postgresql":
        given = {"scope": mark, "word": word}
    found = connection.execute(query.limit(_MOST_HOLDING), given)
    return [int(row[0]) for row in found]


def _searchable(connection: Connection, words: list[str]) -> list[str]:
    """Return the words that the index knows: PostgreSQL leaves out the commonest of English."""
    if connection.dialect.name != "postgresql" or not words:
        return words
    query = sa.text(
        "SELECT word FROM unnest(CAST(:words AS text[])) AS t(word) "
        "WHERE numnode(plainto_tsquery('english', word)) > 0"
    )
    return [str(row[0]) for row in connection.execute(query, {"words": words})]


def _mark(scope: Scope) -> str:
    """Return a scope as one word that no text holds: letters and digits, as both indexes cut."""
    return "scope" + digest("scope", scope.tenant, scope.agent, length=24)


# --- by meaning


def keep_vector(connection: Connection, number: int, vector: Vector) -> None:
    """Keep what a memory means to a model."""
    connection.execute(sa.delete(MEMORY_VECTORS).where(_V.number == number))
    row = {"number": number, "model": vector.model, "embedding": _stored(connection, vector)}
    connection.execute(sa.insert(MEMORY_VECTORS), row)


def by_meaning(
    connection: Connection, scope: Scope, kinds: Sequence[Kind], question: Vector, most: int
) -> dict[int, float]:
    """Return the memories whose meaning is nearest: number and cosine."""
    bound = (*mine(scope, kinds), _V.model == question.model)
    if arithmetic(connection) == "python" and connection.dialect.name == "postgresql":
        return _compared_here(connection, bound, question, most)
    cosine = _cosine(connection, question).label("cosine")
    query = (
        sa.select(_M.number, cosine)
        .join(MEMORY_VECTORS, _V.number == _M.number)
        .where(*bound)
        .order_by(cosine.desc(), _M.number.desc())
        .limit(most)
    )
    return {int(row[0]): float(row[1] or 0) for row in connection.execute(query)}


def _compared_here(
    connection: Connection, bound: Sequence[sa.ColumnElement[bool]], question: Vector, most: int
) -> dict[int, float]:
    """Compare in this process: PostgreSQL without pgvector has no product of two arrays."""
    query = (
        sa.select(_M.number, _V.embedding)
        .join(MEMORY_VECTORS, _V.number == _M.number)
        .where(*bound)
    )
    scored = {
        int(row[0]): float(sum(map(mul, row[1], question.values)))
        for row in connection.execute(query)
        if len(row[1]) == len(question.values)
    }
    best = sorted(scored, key=lambda number: (-scored[number], -number))[:most]
    return {number: scored[number] for number in best}


def _stored(connection: Connection, vector: Vector) -> Any:
    if connection.dialect.name == "postgresql":
        return list(vector.values)
    return struct.pack(f"{len(vector.values)}f", *vector.values)


def _cosine(connection: Connection, question: Vector) -> sa.ColumnElement[float]:
    """Return the expression of how near a row's vector is."""
    if connection.dialect.name == "sqlite":
        raw = sa.literal(_stored(connection, question), sa.LargeBinary)
        if _prepared(connection) == "sqlite-vec":
            return 1 - sa.func.vec_distance_cosine(_V.embedding, raw, type_=sa.Float)
        return getattr(sa.func, _COSINE)(_V.embedding, raw, type_=sa.Float)
    shown = sa.literal("[" + ",".join(map(repr, question.values)) + "]")
    farther = sa.cast(_V.embedding, _PgVector).op("<=>", return_type=sa.Float())
    return 1 - farther(sa.cast(shown, _PgVector))


class _PgVector(sa.types.UserDefinedType[Any]):
    """pgvector's type, as far as a cast needs it."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return its name."""
        return "vector"


def arithmetic(connection: Connection) -> str:
    """Return what compares the vectors here: `sqlite-vec`, `pgvector`, or `python`."""
    if connection.dialect.name == "sqlite":
        return _prepared(connection)
    has = sa.text("SELECT 1 FROM pg_extension WHERE extname = 'vector'")
    return "pgvector" if connection.execute(has).first() else "python"


def _prepared(connection: Connection) -> str:
    """Teach a connection to compare vectors, and return how it does."""
    known = connection.connection.info
    if "vectors" not in known:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - the sync engine's driver
        known["vectors"] = "sqlite-vec" if _loaded(driver) else "python"
        driver.create_function(_COSINE, 2, _product, deterministic=True)
    return str(known["vectors"])


def _loaded(driver: sqlite3.Connection) -> bool:
    """Load sqlite-vec, if it is installed and this Python's SQLite loads extensions."""
    with suppress(ImportError, AttributeError, sqlite3.Error):
        extension = import_module("sqlite_vec")
        driver.enable_load_extension(True)
        extension.load(driver)
        driver.enable_load_extension(False)
        return True
    return False


def _product(one: bytes, other: bytes) -> float:
    if len(one) != len(other):
        return 0.0
    return float(sum(map(mul, memoryview(one).cast("f"), memoryview(other).cast("f"))))
