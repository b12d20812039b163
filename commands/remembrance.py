"""Long-term memory put together: the database, and the embedding model where one is set."""

from activities.embedding import LateEmbedder, Used
from activities.memory import Count, Remembrance
from domain.routing import LOCAL
from runtime.database import Database
from runtime.memory import Memories
from runtime.settings import Settings


def remembrance(
    settings: Settings,
    database: Database,
    offline_url: str = "",
    *,
    count: Count | None = None,
    used: Used | None = None,
) -> Remembrance:
    """Return the memory that these settings ask for.

    Args:
        settings: Name the retention and the embedding model.
        database: Where it is kept.
        offline_url: Of the stand-in, which answers where no key is set.
        count: Counts what is kept and recalled.
        used: Counts the tokens of embeddings.
    """
    store = Memories(database, settings.memory_retention)
    return Remembrance(store, _embedder(settings, offline_url, used), count)


def _embedder(settings: Settings, offline_url: str, used: Used | None) -> LateEmbedder | None:
    if settings.embeddings is None:
        return None
    access = settings.model_access()
    local = settings.embeddings.startswith(f"{LOCAL}:")
    return LateEmbedder(
        settings.embeddings,
        key=access["local_api_key"] if local else access["openai_api_key"],
        base_url=access["local_base_url"] if local else access["openai_base_url"],
        offline_url=offline_url,
        used=used,
    )
