"""The index of passages, on SQLite and PostgreSQL alike."""

import asyncio
from uuid import uuid4

import pytest

from agents.reading import tools
from agents.reading.files import Text
from agents.reading.passages import cut, document_id
from agents.toolkit import ToolContext, ToolError
from runtime.database import Database
from runtime.documents import Documents

KEYS = "Every write carries an idempotency key, which is stable over retries.\n\n" + "x " * 900
READS = "Reads run in parallel, and need nothing of the kind. An operator's \"quote' OR (NEAR."


async def _add(documents: Documents, collection: str, name: str, text: str) -> str:
    document = document_id(text)
    await documents.add(collection, name, document, len(text), cut(Text(text)))
    return document


@pytest.mark.requirement("C4.2:index")
async def test_a_search_finds_a_runs_own_passages_by_any_of_the_words(store: Database) -> None:
    """Word forms do not matter, the best come first, another collection's are not seen."""
    documents = Documents(store)
    mine, other = uuid4().hex, uuid4().hex
    await _add(documents, mine, "keys.md", KEYS)
    await _add(documents, mine, "reads.md", READS)
    await _add(documents, other, "secret.md", "Idempotency keys of another run's writes, secret.")

    found = await documents.search(mine, "idempotent retry of a written key?")

    assert found[0].name == "keys.md"
    assert found[0].text.startswith("Every write carries")
    assert "secret.md" not in {passage.name for passage in found}
    assert await documents.search(mine, "of the and") == ()
    assert await documents.search(mine, "zebra") == ()


@pytest.mark.requirement("C4.2:index")
@pytest.mark.parametrize(
    "query", ["\"quote' OR (NEAR", "a* AND NOT b", "' | & ! <-> :*", "naïve ß"]
)
async def test_a_query_of_any_characters_is_only_words(store: Database, query: str) -> None:
    """Nothing that a model writes is an operator or breaks the statement."""
    documents = Documents(store)
    mine = uuid4().hex
    await _add(documents, mine, "reads.md", READS)

    await documents.search(mine, query)

    assert (await documents.search(mine, "operator quote"))[0].name == "reads.md"


@pytest.mark.requirement("C4.2:index")
async def test_a_document_is_kept_once_for_all_runs_and_names(store: Database) -> None:
    """Reading twice, at once, or under two names changes nothing; ids resolve in the collection."""
    documents = Documents(store)
    mine, other = uuid4().hex, uuid4().hex
    text = f"{KEYS} {uuid4()}"

    await asyncio.gather(*(_add(documents, mine, "a.md", text) for _ in range(4)))
    await _add(documents, mine, "copy.md", text)
    await _add(documents, other, "b.md", "something else")

    ids = [each.id for each in cut(Text(text))]
    found = await documents.passages(mine, [*ids, "0" * 16])
    assert sorted(passage.id for passage in found) == sorted(ids)
    assert {passage.name for passage in found} == {"a.md"}
    assert await documents.passages(other, ids) == ()
    assert [each.name for each in await documents.collected(mine)] == ["a.md", "copy.md"]


@pytest.mark.requirement("C4.2:index")
async def test_the_tools_see_the_runs_own_documents(store: Database) -> None:
    """List, search, read on: what the specialists do, through the tools' own connection."""
    mine = uuid4().hex
    await _add(Documents(store), mine, "keys.md", KEYS)
    context = ToolContext(
        run_id="r",
        tenant="t",
        key="k",
        data={tools.COLLECTION: mine},
        database=store.url.render_as_string(hide_password=False),
    )

    listed = await tools.list_documents(context, {})
    found = await tools.search_passages(context, {"query": "idempotency"})
    read = await tools.read_passages(context, {"document": "keys.md", "position": 1})

    assert "keys.md (2 passages)" in listed
    assert "Every write carries" in found
    assert "x x x" in read
    with pytest.raises(ToolError, match="no passage 9"):
        await tools.read_passages(context, {"document": "keys.md", "position": 9})
