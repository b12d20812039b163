"""Embeddings over the wire, through the vendor's SDK, from the stand-in; and what goes wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activities.embedding import LateEmbedder
from activities.memory import Remembrance, RunMemory
from activities.providers.base import ProviderError
from domain.memory import Access, MemoryPolicy, Scope, Vector
from runtime.database import Database
from runtime.memory import Memories
from tests.offline.server import OfflineServer

SCOPE = Scope(tenant="acme", agent="helper")
MODEL = "openai:text-embedding-3-small"


def near(one: Vector, other: Vector) -> float:
    """Return the cosine of two vectors."""
    return sum(a * b for a, b in zip(one.values, other.values, strict=True))


async def test_texts_that_share_words_are_near(offline: OfflineServer) -> None:
    """More texts than fit one request; the name says that it is the stand-in's vector."""
    used: list[tuple[str, str, int]] = []

    def count(vendor: str, model: str, tokens: int) -> None:
        used.append((vendor, model, tokens))

    embedder = LateEmbedder(MODEL, offline_url=offline.url, used=count)

    texts = ["green tea from Assam", "tea from Assam", "a garden fence", *map(str, range(40)), ""]
    vectors = await embedder.embed(texts)
    await embedder.close()

    assert len(vectors) == len(texts)
    assert vectors[0].model == f"offline stand-in for {MODEL}"
    assert near(vectors[0], vectors[1]) > 0.7
    assert near(vectors[0], vectors[2]) < 0.3
    assert [(vendor, model) for vendor, model, _ in used] == [("openai", MODEL[7:])] * 2


async def test_a_server_that_is_not_there_is_told_in_one_line() -> None:
    """The error names the vendor and no key."""
    embedder = LateEmbedder(MODEL, key="sk-secret-key-1234567890", base_url="http://127.0.0.1:9/v1")

    with pytest.raises(ProviderError, match="openai: cannot be reached") as caught:
        await embedder.embed(["tea"])

    await embedder.close()
    assert "secret" not in caught.value.reason


@dataclass
class Watched:
    """An embedder that says what it was given."""

    local: bool = False
    given: list[str] = field(default_factory=list[str])

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Note the texts."""
        self.given += texts
        return [Vector("test", (1.0, 0.0)) for _ in texts]

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class Broken:
    """An embedder that never answers."""

    local: bool = False

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Refuse."""
        raise ProviderError("no", retryable=True, billed=False)

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.requirement("C5.1:search")
async def test_a_private_agents_words_stay_with_the_operator(tmp_path: Path) -> None:
    """They are embedded by a local endpoint only; without one, words alone are searched."""
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    await database.migrate()
    access = Access(scope=SCOPE, policy=MemoryPolicy(), private=True)
    elsewhere, own = Watched(), Watched(local=True)

    for embedder in (elsewhere, own):
        memory = RunMemory(Remembrance(Memories(database), embedder), access, "run")
        await memory.remember("The vault is in room 12.", "a note")
        found = await memory.recall("Where is the vault?")
        assert [each.memory.text for each in found] == ["The vault is in room 12."]

    await database.close()
    assert elsewhere.given == []
    assert len(own.given) == 2


@pytest.mark.requirement("C5.1:unreachable")
async def test_without_an_embedding_words_are_searched(tmp_path: Path) -> None:
    """A model that does not answer costs the search its help and nothing else."""
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    await database.migrate()
    access = Access(scope=SCOPE, by="ann", policy=MemoryPolicy())
    memory = RunMemory(Remembrance(Memories(database), Broken()), access, "run")

    before = datetime.now(UTC)
    await memory.remember("The vault is in room 12.", "a note")
    (found,) = await memory.recall("vault")

    await database.close()
    assert found.how == "words"
    assert found.memory.at >= before
