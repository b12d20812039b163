"""Large contents by the hash of what they hold; the histories keep the hash only."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import LargeBinary, func, select, type_coerce

from runtime.artifact_uses import note_use, run_here
from runtime.database import Database
from runtime.encryption_columns import MARK
from runtime.tables import ARTIFACTS

_NOTED_FOR: Final = timedelta(hours=1)
_MOST_NOTED: Final = 10_000


class ArtifactNotFound(LookupError):
    """No artifact has this id: it was deleted, or another database is configured here."""


@dataclass(frozen=True)
class Page:
    """A part of an artifact; `size` is the whole's."""

    content: bytes
    media_type: str
    size: int


class Artifacts:
    """Content-addressed, so storing twice is storing once.

    Which run stores or reads one is written down, so that none vanishes under a run that is under
    way (`runtime/artifact_uses.py`).
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: OrderedDict[tuple[str, str], datetime] = OrderedDict()

    async def put(
        self,
        content: bytes,
        media_type: str = "application/octet-stream",
        artifact_id: str | None = None,
        run_id: str = "",
    ) -> str:
        """Store `content` and return its id: its SHA-256, unless `artifact_id` names it.

        Args:
            content: What is kept.
            media_type: What it is.
            artifact_id: Its id, where that is not its hash.
            run_id: The workflow that will refer to it; default: the one whose activity this is.
        """
        artifact_id = artifact_id or hashlib.sha256(content).hexdigest()
        insert = self._database.insert(ARTIFACTS)
        # Stored anew, it is as young as a new one: what sweeps old ones away waits for this row.
        statement = insert.on_conflict_do_update(
            index_elements=["id"], set_={"created_at": insert.excluded.created_at}
        )
        async with self._database.transaction() as connection:
            await note_use(self._database, connection, artifact_id, run_id or run_here())
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
        run_id = run_here()
        async with self._database.transaction() as connection:
            if run_id and self._is_news(artifact_id, run_id):
                await note_use(self._database, connection, artifact_id, run_id)
            content = (await connection.execute(query)).scalar_one_or_none()
        return None if content is None else bytes(content)

    async def page(self, artifact_id: str, offset: int = 0, length: int = 65_536) -> Page:
        """Return `length` bytes of an artifact from `offset`.

        The rest is not read, unless it is encrypted: then all of it is authenticated at once.

        Raises:
            ArtifactNotFound: no such id.
        """
        # As it is stored: a part of what is encrypted means nothing.
        whole = type_coerce(ARTIFACTS.c.content, LargeBinary)
        query = select(
            func.substr(whole, offset + 1, length, type_=LargeBinary),
            ARTIFACTS.c.media_type,
            func.length(whole),
            func.substr(whole, 1, len(MARK), type_=LargeBinary),
        ).where(ARTIFACTS.c.id == artifact_id)
        async with self._database.transaction() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise self.not_found(artifact_id)
        if bytes(row[3]) == MARK:
            content = await self.get(artifact_id) or b""
            return Page(content[offset : offset + length], media_type=row[1], size=len(content))
        return Page(content=bytes(row[0]), media_type=row[1], size=row[2])

    def _is_news(self, artifact_id: str, run_id: str) -> bool:
        """Whether this use was not written down lately: a read must not cost a write each time."""
        use, now = (artifact_id, run_id), datetime.now(UTC)
        if use in self._noted and now - self._noted[use] < _NOTED_FOR:
            return False
        self._noted[use] = now
        self._noted.move_to_end(use)
        while len(self._noted) > _MOST_NOTED:
            self._noted.popitem(last=False)
        return True

    def not_found(self, artifact_id: str) -> ArtifactNotFound:
        """Return the error that says where the artifact was looked for."""
        return ArtifactNotFound(
            f"no artifact {artifact_id!r} in {self._database!r}; "
            "point HOLDFAST_DATABASE_URL at the database that the run used"
        )
