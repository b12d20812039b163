"""Large contents by the hash of what they hold; the histories keep the hash only."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select

from runtime.database import Database
from runtime.tables import ARTIFACTS


class ArtifactNotFound(LookupError):
    """No artifact has this id: it was deleted, or another database is configured here."""


@dataclass(frozen=True)
class Page:
    """A part of an artifact; `size` is the whole's."""

    content: bytes
    media_type: str
    size: int


class Artifacts:
    """Content-addressed, so storing twice is storing once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(
        self,
        content: bytes,
        media_type: str = "application/octet-stream",
        artifact_id: str | None = None,
    ) -> str:
        """Store `content` and return its id: its SHA-256, unless `artifact_id` names it."""
        artifact_id = artifact_id or hashlib.sha256(content).hexdigest()
        statement = self._database.insert(ARTIFACTS).on_conflict_do_nothing()
        async with self._database.transaction() as connection:
            await connection.execute(
                statement,
                {
                    "id": artifact_id,
                    "content": content,
                    "media_type": media_type,
                    "created_at": datetime.now(UTC),
                },
            )
        return artifact_id

    async def get(self, artifact_id: str) -> bytes | None:
        """Return what is kept under `artifact_id`, None where nothing is."""
        query = select(ARTIFACTS.c.content).where(ARTIFACTS.c.id == artifact_id)
        async with self._database.transaction() as connection:
            content = (await connection.execute(query)).scalar_one_or_none()
        return None if content is None else bytes(content)

    async def page(self, artifact_id: str, offset: int = 0, length: int = 65_536) -> Page:
        """Return `length` bytes of an artifact from `offset`, without reading the rest.

        Raises:
            ArtifactNotFound: no such id.
        """
        whole = ARTIFACTS.c.content
        query = select(
            func.substr(whole, offset + 1, length, type_=whole.type),
            ARTIFACTS.c.media_type,
            func.length(whole),
        ).where(ARTIFACTS.c.id == artifact_id)
        async with self._database.transaction() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise self.not_found(artifact_id)
        return Page(content=bytes(row[0]), media_type=row[1], size=row[2])

    def not_found(self, artifact_id: str) -> ArtifactNotFound:
        """Return the error that says where the artifact was looked for."""
        return ArtifactNotFound(
            f"no artifact {artifact_id!r} in {self._database!r}; "
            "point HOLDFAST_DATABASE_URL at the database that the run used"
        )
