"""Inputs that were refused and tasks that failed for good, kept for a person to look at."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import RowMapping, select, update

from runtime.database import Database
from runtime.operations import noted
from runtime.tables import DEAD_LETTERS

LetterState = Literal["open", "requeued", "dropped"]


class DeadLetterNotFound(LookupError):
    """No dead letter has this id."""


@dataclass(frozen=True)
class DeadLetter:
    """A refused input, or a failed task, with the reason.

    Attributes:
        payload: JSON: `workflow` and `input` start it again; `task` names a task that failed.
    """

    id: str
    run_id: str
    agent: str
    tenant: str
    reason: str
    payload: str
    state: LetterState
    created_at: datetime


class DeadLetters:
    """The queue of dead letters; nothing leaves it, letters change their state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, *, run_id: str, agent: str, tenant: str, reason: str, payload: str) -> str:
        """Keep a letter and return its id. Idempotent: one letter a run and payload."""
        letter_id = hashlib.sha256(f"{run_id}\0{payload}".encode()).hexdigest()[:12]
        statement = self._database.insert(DEAD_LETTERS).on_conflict_do_nothing()
        async with self._database.transaction() as connection:
            await connection.execute(
                statement,
                {
                    "id": letter_id,
                    "run_id": run_id,
                    "agent": agent,
                    "tenant": tenant,
                    "reason": reason,
                    "payload": payload,
                    "state": "open",
                    "created_at": datetime.now(UTC),
                },
            )
        return letter_id

    async def list(self, state: LetterState | None = "open", limit: int = 100) -> list[DeadLetter]:
        """Return the newest letters in `state` (None: in any), newest first."""
        query = select(DEAD_LETTERS).order_by(DEAD_LETTERS.c.created_at.desc()).limit(limit)
        if state is not None:
            query = query.where(DEAD_LETTERS.c.state == state)
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_letter(row) for row in rows]

    async def get(self, letter_id: str) -> DeadLetter:
        """Return one letter.

        Raises:
            DeadLetterNotFound: no such id.
        """
        query = select(DEAD_LETTERS).where(DEAD_LETTERS.c.id == letter_id)
        async with self._database.transaction() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            raise DeadLetterNotFound(
                f"no dead letter {letter_id!r}; `python starter.py dead-letters list` shows them"
            )
        return _letter(row)

    async def move(self, letter_id: str, state: LetterState, *, by: str = "") -> bool:
        """Move an open letter to `state`; False where it was not open (any more)."""
        statement = (
            update(DEAD_LETTERS)
            .where(DEAD_LETTERS.c.id == letter_id, DEAD_LETTERS.c.state == "open")
            .values(state=state)
        )
        async with self._database.transaction() as connection:
            moved = (await connection.execute(statement)).rowcount == 1
            if moved:
                await connection.execute(noted(f"letter.{state}", letter_id, by=by))
        return moved


def _letter(row: RowMapping) -> DeadLetter:
    return DeadLetter(**row)
