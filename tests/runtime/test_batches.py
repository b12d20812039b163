"""A batch's list and results, the same in SQLite and in PostgreSQL."""

from collections.abc import AsyncGenerator
from decimal import Decimal

import pytest

from domain.batch import BatchRequest, Document, Found
from domain.batch_steps import ListRequest
from runtime.batches import Batches
from runtime.database import Database


@pytest.fixture(params=["sqlite", "postgresql"])
async def batches(request: pytest.FixtureRequest, database: Database) -> AsyncGenerator[Batches]:
    """The repository on each database."""
    if request.param == "sqlite":
        yield Batches(database)
        return
    other = Database(request.getfixturevalue("postgresql"))
    await other.migrate()
    yield Batches(other)
    await other.close()


def _asked(lineage: str, resumes: str = "") -> ListRequest:
    return ListRequest(request=BatchRequest(directory="d", resumes=resumes), lineage=lineage)


async def test_a_batch_is_kept_written_once_and_taken_over(batches: Batches) -> None:
    """Listed once a logical run; settled once; what is finished goes over, the rest is new."""
    await batches.create("one", _asked("x"), ["a", "b", "c"], others=2)
    await batches.create("one", _asked("x"), ["other"], others=0)
    fields = {"total": Found(value=1.5, standing="unsure", quote="é\u2028")}
    done = Document(
        position=1,
        name="",
        state="done",
        fields=fields,
        run_id="one/doc",
        tokens=7,
        cost_usd=Decimal("0.000000001"),
    )

    failed = Document(position=2, name="", state="failed", reason="\0\ud800")

    states = [
        await batches.settle("one", done),
        await batches.settle("one", done.model_copy(update={"state": "failed"})),
        await batches.settle("one", failed),
    ]
    await batches.take_over("two", _asked("y", resumes="one"))
    await batches.take_over("two", _asked("y", resumes="one"))

    assert states == ["done", "done", "failed"]
    kept = await batches.get("one", [1])
    assert kept == [done.model_copy(update={"name": "a"})]
    counts = await batches.counts("two")
    assert (counts.done, counts.listed, counts.failed) == (1, 2, 0)
    assert [each.name for each in await batches.page("two", after=1)] == ["b", "c"]
    assert (await batches.page("two"))[0].fields == fields
    assert (await batches.page("two"))[0].tokens == 0
    assert await batches.others("two") == 2
    request = await batches.request("two")
    assert request is not None
    assert request.resumes == "one"
    assert await batches.request("three") is None


async def test_a_batch_started_again_has_a_list_of_its_own(batches: Batches) -> None:
    """Another logical run under the same id: nothing of the first one is left."""
    await batches.create("again", _asked("x"), ["a", "b"], others=0)
    await batches.settle("again", Document(position=1, name="", state="done"))

    await batches.create("again", _asked("y"), ["c"], others=0)

    assert [(each.name, each.state) for each in await batches.page("again")] == [("c", "listed")]
