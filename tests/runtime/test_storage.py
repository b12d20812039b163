"""Large payloads leave the history and come back whole."""

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker

from runtime.artifacts import ArtifactNotFound, Artifacts
from runtime.database import Database
from runtime.storage import THRESHOLD_BYTES


@workflow.defn(name="Twice", sandboxed=False)
class Twice:
    @workflow.run
    async def run(self, text: str) -> str:
        return text * 2


async def test_a_large_payload_crosses_a_real_workflow(client: Client, task_queue: str) -> None:
    """An input and a result above the threshold arrive whole, and the history stays small."""
    text = "x" * (2 * THRESHOLD_BYTES)

    async with Worker(client, task_queue=task_queue, workflows=[Twice]):
        handle = await client.start_workflow(Twice.run, text, id=task_queue, task_queue=task_queue)
        result = await handle.result()

    assert result == text * 2
    history = await handle.fetch_history()
    assert sum(event.ByteSize() for event in history.events) < 10_000


async def test_an_artifact_is_stored_once_and_read_in_parts(database: Database) -> None:
    """The id is the content's hash; a reader can page through a large one."""
    artifacts = Artifacts(database)

    first = await artifacts.put(b"hello world", "text/plain")
    second = await artifacts.put(b"hello world", "text/plain")
    part = await artifacts.page(first, offset=6, length=3)

    assert first == second
    assert await artifacts.get(first) == b"hello world"
    assert (part.content, part.size, part.media_type) == (b"wor", 11, "text/plain")


async def test_an_unknown_artifact_says_where_it_was_looked_for(database: Database) -> None:
    """A missing artifact is a typed error that names the id and the database."""
    with pytest.raises(ArtifactNotFound, match=r"no artifact 'absent' in sqlite"):
        await Artifacts(database).page("absent")
