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
class Artifact:
    """A stored content. `size` is the whole's, also where `content` is a part."""

    id: str
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

    async def get(self, artifact_id: str, offset: int = 0, length: int | None = None) -> Artifact:
        """Return the artifact, or `length` bytes of it from `offset`.

        Raises:
            ArtifactNotFound: no such id.
        """
        whole = ARTIFACTS.c.content
        content = whole
        if offset or length is not None:
            bounds = (offset + 1,) if length is None else (offset + 1, length)
            content = func.substr(whole, *bounds, type_=whole.type)
        query = select(content, ARTIFACTS.c.media_type, func.length(whole)).where(
            ARTIFACTS.c.id == artifact_id
        )
        async with self._database.transaction() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise ArtifactNotFound(
                f"no artifact {artifact_id!r} in {self._database!r}; "
                "point HOLDFAST_DATABASE_URL at the database that the run used"
            )
        return Artifact(id=artifact_id, content=bytes(row[0]), media_type=row[1], size=row[2])
