"""Long-term memory on SQLite and PostgreSQL: found when it fits, and by its owner only."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from domain.memory import KNOWLEDGE, Episode, Kind, Memory, Reach, Scope, Vector, relevant
from runtime.database import Database
from runtime.memory import Memories, MemoryNotFound, Selection

OURS = Scope(tenant="acme", agent="helper")
THEIRS = Scope(tenant="globex", agent="helper")
OTHER_AGENT = Scope(tenant="acme", agent="scout")


def memory(said: str, scope: Scope = OURS, kind: Kind = "fact", **more: object) -> Memory:
    """Return something to remember."""
    made = {"id": scope.id_of(kind, said), "kind": kind, "scope": scope, "text": said}
    return Memory.model_validate({"at": datetime.now(UTC), **made, **more})


def vector(*values: float) -> Vector:
    """Return a vector of length one."""
    length = math.sqrt(sum(value * value for value in values))
    return Vector("test", tuple(value / length for value in values))


async def found(memories: Memories, question: str, scope: Scope = OURS) -> list[str]:
    """Return the texts that fit a question."""
    scored = await memories.by_words(scope, KNOWLEDGE, question, 20)
    return [each.memory.text for each in relevant(scored, least=0.3, most=5)]


@pytest.mark.requirement("C5.1:search")
async def test_what_fits_is_found_and_nothing_else(store: Database) -> None:
    """Of many facts the two that answer the question come back; a stranger's question: none."""
    memories = Memories(store)
    for said in (
        "Refunds above 500 EUR need the approval of the finance team.",
        "A refund is paid out within five days after its approval.",
        *(f"The branch office number {n} opens at {n} o'clock." for n in range(10)),
    ):
        await memories.keep(OURS, memory(said))

    assert len(await found(memories, "Who approves refunds?")) == 2
    assert await found(memories, "Which planets have rings?") == []
    assert await found(memories, "\" OR scope:* -- NEAR( ' ") == []


@pytest.mark.requirement("C5.1:scope")
async def test_the_same_words_of_two_tenants_are_two_memories(store: Database) -> None:
    """Neither words nor vectors nor ids nor lists cross from tenant to tenant, agent to agent."""
    memories = Memories(store)
    for scope in (OURS, THEIRS, OTHER_AGENT):
        await memories.keep(scope, memory(f"the vault code of {scope.tenant}", scope), vector(1, 2))
        own = f"{scope.tenant} {scope.agent} likes tea"
        await memories.keep(scope, memory(own, scope, "preference", by="ann"))

    for scope in (OURS, THEIRS, OTHER_AGENT):
        by_words = await memories.by_words(scope, KNOWLEDGE, "vault code acme globex", 20)
        by_meaning = await memories.by_meaning(scope, KNOWLEDGE, vector(1, 2), 20)
        preferred = await memories.preferences(scope, "ann", 10)
        for each in (*by_words, *by_meaning):
            assert each.memory.scope == scope
        assert (len(by_words), len(by_meaning), len(preferred)) == (1, 1, 1)
        assert preferred[0].scope == scope
    foreign = memory("the vault code of globex", THEIRS).id
    with pytest.raises(MemoryNotFound):
        await memories.get(Reach(tenant="acme"), foreign)
    assert await memories.forget(Reach(tenant="acme"), Selection(ids=[foreign])) == 0
    with pytest.raises(ValueError, match="not"):
        await memories.keep(OURS, memory("the vault code of globex", THEIRS))


@pytest.mark.requirement("C5.1:scope")
async def test_what_others_keep_changes_no_order_and_no_relevance(store: Database) -> None:
    """A tenant's results are the same, to the last digit, whatever the others have in store."""
    memories = Memories(store)
    for said in ("tea is served at four", "coffee is served at nine", "tea grows", "tea cools"):
        await memories.keep(OURS, memory(said))
    alone = await memories.by_words(OURS, KNOWLEDGE, "when is tea served", 20)

    for number in range(30):
        await memories.keep(THEIRS, memory(f"tea tea served {number}", THEIRS))

    assert await memories.by_words(OURS, KNOWLEDGE, "when is tea served", 20) == alone


@pytest.mark.requirement("C5.1:search")
async def test_meaning_is_compared_within_one_model(store: Database) -> None:
    """The nearest comes first with its cosine; another model's vectors are left out."""
    memories = Memories(store)
    await memories.keep(OURS, memory("near"), vector(1, 0.1))
    await memories.keep(OURS, memory("far"), vector(0, 1))
    await memories.keep(OURS, memory("other"), Vector("another", (1.0, 0.0, 0.0)))

    ranked = await memories.by_meaning(OURS, KNOWLEDGE, vector(1, 0), 5)

    assert [each.memory.text for each in ranked] == ["near", "far"]
    assert ranked[0].relevance == pytest.approx(0.995, abs=0.001)
    assert ranked[0].how == "meaning"


@pytest.mark.requirement("C5.1:forget")
async def test_what_is_forgotten_is_gone_from_the_indexes_too(store: Database) -> None:
    """By id, by requester, by file and all of a tenant; words and vectors go with it."""
    memories, reach = Memories(store), Reach(tenant="acme")
    await memories.keep(OURS, memory("red apples", by="ann"), vector(1, 1))
    await memories.keep(OURS, memory("red pears", kind="passage", source="fruit_1.md, page 2"))
    await memories.keep(OURS, memory("red plums", kind="passage", source="fruitX1.md, page 2"))
    await memories.keep(THEIRS, memory("red cherries", THEIRS, by="ann"))

    assert await memories.forget(reach, Selection(source="fruit_1.md")) == 1
    assert await memories.forget(reach, Selection(by="ann")) == 1

    assert await found(memories, "red") == ["red plums"]
    assert await memories.forget(reach, Selection()) == 1
    assert await memories.list(reach) == []
    assert await found(memories, "red", THEIRS) == ["red cherries"]

    def left(connection: Connection) -> list[int]:
        tables = ("memory_words", "memory_vectors", "memories")
        counts = (connection.execute(text(f"SELECT count(*) FROM {table}")) for table in tables)  # noqa: S608
        return [count.scalar_one() for count in counts]

    assert await store.run(left) == [1, 0, 1]


@pytest.mark.requirement("C5.1:retention")
async def test_nothing_is_told_once_its_time_is_over(store: Database) -> None:
    """What has expired is not found, even before it is swept away; the shorter time holds."""
    memories = Memories(store, retention=timedelta(days=30))
    now = datetime.now(UTC)
    await memories.keep(OURS, memory("old tea", at=now - timedelta(days=31)))
    await memories.keep(OURS, memory("brief tea", expires_at=now - timedelta(seconds=1)))
    await memories.keep(OURS, memory("fresh tea", expires_at=now + timedelta(days=99)))

    assert await found(memories, "tea") == ["fresh tea"]
    assert [each.text for each in await memories.list(Reach(tenant="acme"))] == ["fresh tea"]
    assert await memories.sweep(now) == 2
    assert await memories.sweep(now + timedelta(days=31)) == 1


@pytest.mark.requirement("C5.1:episodes")
async def test_a_memory_that_is_kept_again_replaces_itself(store: Database) -> None:
    """The same id twice is one, with the newer words; any text can be kept."""
    memories = Memories(store)
    run = OURS.id_of("episode", "run-1")
    for outcome in ("limit", "completed"):
        left = Episode(task="brew \0 tea \ud800", outcome=outcome, success=outcome == "completed")
        episode = memory("brew \0 tea", kind="episode", id=run, episode=left)
        await memories.keep(OURS, episode)

    ranked = await memories.by_words(OURS, ("episode",), "brew tea", 5)

    assert [each.memory.episode and each.memory.episode.success for each in ranked] == [True]
