"""Long-term memory put together: the database, and the embedding model where one is set."""

from activities.memory import Count, Remembrance
from runtime.database import Database
from runtime.memory import Memories
from runtime.settings import Settings


def remembrance(
    settings: Settings, database: Database, offline_url: str = "", count: Count | None = None
) -> Remembrance:
    """Return the memory that these settings ask for."""
    return Remembrance(Memories(database, settings.memory_retention), None, count)
