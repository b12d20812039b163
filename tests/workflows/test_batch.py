"""A batch of small documents: every one accounted for, whatever becomes of it."""

import os
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError

from agents.extract.summary import merged_schema
from commands import batch_results
from runtime.batches import Batches
from runtime.dead_letters import DeadLetters
from tests.fakes import Asked, Never, Step, refused
from tests.workflows import batching
from tests.workflows.batching import FORM, finished, folder, invoice, play, rows, start, values
from tests.workflows.stage import Stage, eventually


@pytest.mark.requirement("C4.4:merged")
async def test_every_document_becomes_a_row_of_one_typed_result(
    stage: Stage, tmp_path: Path
) -> None:
    """Text, Markdown and HTML: a row each with its quotes, a summary, the schema they all fit."""
    page = "<p>Supplier: Curl</p><p>Total: 1.25</p><script>Total: 9</script>"
    root = folder(
        tmp_path,
        {"a.txt": invoice("Acme"), "b.md": invoice("Bolt", "20.25"), "c.html": page, "d.png": b"."},
    )
    await play(stage)

    handle = await start(stage, root)
    result = await finished(stage, handle)

    assert (result.outcome, result.documents, result.done, result.failed) == ("completed", 3, 3, 0)
    assert result.others == 1
    found = await rows(stage, handle)
    assert values(found["b.md"]) == {"supplier": "Bolt", "total": 20.25, "issued": "2026-03-01"}
    assert values(found["c.html"]) == {"supplier": "Curl", "total": 1.25, "issued": None}
    assert found["a.txt"].fields["total"].quote == "Total: 10.50"
    batches = Batches(stage.database)
    request = await batches.request(handle.id)
    assert request is not None
    merged = await batch_results.merged(batches, handle.id, request)
    assert batching.fits(merged_schema(FORM), merged) == []
    assert result.summary is not None
    assert str(result.summary.fields[1].total) == "32.00"


@pytest.mark.requirement("C4.4:isolated")
async def test_no_document_is_in_another_ones_call(stage: Stage, tmp_path: Path) -> None:
    """Each document has a word of its own; each word is in the calls of one run only."""
    words = [f"marker-{number}-secret" for number in range(8)]
    root = folder(tmp_path, {f"{word[7]}.txt": invoice(word) for word in words})
    await play(stage)

    result = await finished(stage, await start(stage, root))

    assert result.done == len(words)
    for word in words:
        holding = [asked for asked in stage.provider.asked if word in str(asked.messages)]
        assert len(holding) == 1
        assert sum(other in str(holding[0].messages) for other in words) == 1


@pytest.mark.requirement("C4.4:partial")
@pytest.mark.requirement("C4.4:vanished")
@pytest.mark.requirement("C4.4:same-name")
async def test_what_cannot_be_had_is_named_and_the_rest_is_kept(
    stage: Stage, tmp_path: Path
) -> None:
    """Unreadable, empty, vanished and hopeless documents are named; two of one name are two."""
    root = folder(
        tmp_path,
        {
            "a/same.txt": invoice("Acme"),
            "b/same.txt": invoice("Bolt"),
            "latin.txt": "Supplier: \xe9t\xe9".encode("latin-1"),
            "empty.md": " \n",
            "broken.pdf": b"%PDF-1.4 nothing",
            "hopeless.txt": invoice("Dim", "1", "2026-01-01", "offline-model: no answer"),
            "gone.txt": invoice("Gone"),
        },
    )

    def take_away(asked: Asked, step: Step) -> Step:
        (root / "gone.txt").unlink(missing_ok=True)
        return step

    await play(stage, take_away)
    handle = await start(stage, root, parallel=1)
    result = await finished(stage, handle)

    assert (result.outcome, result.done, result.failed, result.left) == ("completed", 2, 5, 0)
    found = await rows(stage, handle)
    assert {values(found[name])["supplier"] for name in ("a/same.txt", "b/same.txt")} == {
        "Acme",
        "Bolt",
    }
    assert result.summary is not None
    reasons = {failure.document: failure.reason for failure in result.summary.failures}
    for name, why in {
        "latin.txt": "not UTF-8",
        "empty.md": "no text",
        "broken.pdf": "PDF",
        "hopeless.txt": "not JSON",
        "gone.txt": "No such file",
    }.items():
        assert why in reasons[name]


@pytest.mark.requirement("C4.4:partial")
async def test_a_name_that_is_no_text_is_said_in_a_way(stage: Stage, tmp_path: Path) -> None:
    """A file's name in a foreign encoding: named as well as it can be, and the rest is kept."""
    root = folder(tmp_path, {"a.txt": invoice("Acme"), os.fsdecode(b"\xe9t\xe9.txt"): invoice("B")})
    await play(stage)

    handle = await start(stage, root)
    result = await finished(stage, handle)

    assert (result.done, result.failed) == (1, 1)
    assert (await rows(stage, handle))["\\xe9t\\xe9.txt"].state == "failed"


@pytest.mark.requirement("C4.4:refused")
@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "holds no document"),
        ({"directory": "/nowhere/at/all"}, "is not a folder"),
        ({"form": {}}, "the schema is empty"),
        ({"form": {"properties": {"total": {"type": "decimal"}}}}, "properties/total/type"),
        ({"resumes": "batch-that-never-was"}, "there is no batch"),
    ],
)
async def test_what_cannot_be_worked_on_is_refused_and_kept(
    stage: Stage, tmp_path: Path, given: dict[str, Any], why: str
) -> None:
    """An empty folder, a schema that is none: an outcome with the reason, and a dead letter."""
    await play(stage)

    handle = await start(stage, tmp_path, **given)
    result = await finished(stage, handle)

    assert result.outcome == "rejected"
    assert why in result.reason
    letters = await DeadLetters(stage.database).list()
    assert handle.id in {letter.run_id for letter in letters}


@pytest.mark.requirement("C4.4:resume")
async def test_going_on_buys_nothing_that_was_finished(stage: Stage, tmp_path: Path) -> None:
    """A second batch takes over what the first has finished, and asks about the rest only."""
    hopeless = invoice("Dim", "1", "2026-01-01", "offline-model: no answer")
    root = folder(tmp_path, {"a.txt": invoice("Acme"), "b.txt": hopeless, "c.txt": invoice("Cog")})
    await play(stage)
    first = await start(stage, root)
    assert (await finished(stage, first)).failed == 1
    folder(tmp_path, {"b.txt": invoice("Dim"), "later.txt": invoice("Late")})
    before = len(stage.provider.asked)

    second = await start(stage, root, "batch.2", resumes=first.id)
    result = await finished(stage, second)

    assert (result.documents, result.done, result.failed, result.reused) == (3, 3, 0, 2)
    bought = stage.provider.asked[before:]
    assert ["b.txt" in asked.messages[0].text for asked in bought] == [True]
    assert values((await rows(stage, second))["a.txt"])["supplier"] == "Acme"


@pytest.mark.requirement("C4.4:resume")
async def test_a_batch_of_another_tenant_is_not_taken_over(stage: Stage, tmp_path: Path) -> None:
    """What one tenant's batch has found is nobody else's."""
    await play(stage)
    first = await start(stage, folder(tmp_path, {"a.txt": invoice("Acme")}))
    await finished(stage, first)

    result = await finished(
        stage, await start(stage, tmp_path, "other", resumes=first.id, tenant="other")
    )

    assert result.outcome == "rejected"


@pytest.mark.requirement("C4.4:again")
async def test_a_batch_that_starts_anew_takes_over_nothing(stage: Stage, tmp_path: Path) -> None:
    """Under the same id, once more: the folder is listed anew and every document is looked at."""
    await play(stage)
    await finished(stage, await start(stage, folder(tmp_path, {"a.txt": invoice("Acme")})))
    folder(tmp_path, {"a.txt": invoice("Changed"), "b.txt": invoice("Bolt")})

    handle = await start(stage, tmp_path)
    result = await finished(stage, handle)

    assert (result.documents, result.done, result.reused) == (2, 2, 0)
    assert values((await rows(stage, handle))["a.txt"])["supplier"] == "Changed"


@pytest.mark.requirement("C4.4:budget")
async def test_a_budget_without_room_ends_the_batch(stage: Stage, tmp_path: Path) -> None:
    """What fits is done, what is left is counted, and going on with more money does the rest."""
    root = folder(tmp_path, {f"{n}.txt": invoice(f"Acme {n}") for n in range(6)})
    await play(stage)
    share = {"tokens": 20_000}

    first = await start(stage, root, limits=share, tokens=20_050, parallel=2)
    result = await finished(stage, first)
    rest = await finished(stage, await start(stage, root, "b.2", resumes=first.id))

    assert result.outcome == "limit"
    assert "budget has no room" in result.reason
    assert 0 < result.done < result.documents
    assert result.done + result.left == result.documents
    assert (rest.outcome, rest.done, rest.reused) == ("completed", 6, result.done)


@pytest.mark.requirement("C4.4:patience")
async def test_a_document_that_stands_still_is_given_up(stage: Stage, tmp_path: Path) -> None:
    """One document's run stops on its provider: it is ended and named; the others are done."""
    root = folder(tmp_path, {"a.txt": invoice("Acme"), "b.txt": invoice("Bad")})

    def refuse(asked: Asked, step: Step) -> Step:
        return refused("400: the content is not allowed") if "Bad" in asked.said else step

    await play(stage, refuse)
    handle = await start(stage, root, patience_s=1)
    result = await finished(stage, handle)

    assert (result.outcome, result.done, result.failed) == ("completed", 1, 1)
    assert "content is not allowed" in (await rows(stage, handle))["b.txt"].reason


@pytest.mark.requirement("C4.4:cancelled")
async def test_a_cancelled_batch_keeps_what_was_found(stage: Stage, tmp_path: Path) -> None:
    """Cancelled in mid-run: documents that are done stay so, and the others' runs end."""
    root = folder(tmp_path, {"a.txt": invoice("Acme"), "z.txt": invoice("Slow")})

    def hang(asked: Asked, step: Step) -> Step:
        return Never() if "Slow" in asked.said else step

    await play(stage, hang)
    handle = await start(stage, root)

    async def one_done() -> bool:
        return (await Batches(stage.database).counts(handle.id)).done == 1

    await eventually(one_done)
    await handle.cancel()

    assert await stage.closed(handle) == WorkflowExecutionStatus.CANCELED
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    found = await rows(stage, handle)
    assert [found["a.txt"].state, found["z.txt"].state] == ["done", "listed"]
    child = stage.client.get_workflow_handle(f"{handle.id}/doc-00002")
    assert await stage.closed(child) == WorkflowExecutionStatus.CANCELED


@pytest.mark.requirement("C4.4:paged")
async def test_a_long_document_is_read_to_its_end(stage: Stage, tmp_path: Path) -> None:
    """A field at the end of 60 KB is found; no history holds the text more than once."""
    body = "Nothing of note happened on this day.\n" * 1_600
    text = f"Supplier: Acme\n{body}Total: 77.25\n"
    await play(stage)
    handle = await start(stage, folder(tmp_path, {"long.txt": text}))

    result = await finished(stage, handle)

    assert result.done == 1
    assert values((await rows(stage, handle))["long.txt"])["total"] == 77.25
    assert len(stage.provider.asked) == 2
    child = stage.client.get_workflow_handle(f"{handle.id}/doc-00001")
    assert len((await handle.fetch_history()).to_json()) < 90_000
    size = sum(event.ByteSize() for event in (await child.fetch_history()).events)
    assert size < 1.7 * len(text)
