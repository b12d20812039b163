"""What a batch puts before a person: unsure fields only, once nothing else is left to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import Asked, Say, Step
from tests.workflows.batching import finished, folder, invoice, play, rows, start, values
from tests.workflows.stage import Handle, Stage

VAGUE = "about 12.00"


async def _asked(stage: Stage, root: Path, **request: Any) -> tuple[Handle, dict[str, Any]]:
    """Start a batch of three documents, two of them vague, and return what it asks."""
    folder(
        root,
        {"a.txt": invoice("Acme"), "b.txt": invoice("Bolt", VAGUE), "c.txt": invoice("C", VAGUE)},
    )
    await play(stage)
    handle = await start(stage, root, **request)
    return handle, await stage.asked(handle)


@pytest.mark.requirement("C4.4:confidence")
async def test_unsure_fields_of_a_page_of_documents_are_one_question(
    stage: Stage, tmp_path: Path
) -> None:
    """Two vague totals are asked about at once, the sure one is done; approved, they count."""
    handle, question = await _asked(stage, tmp_path)
    so_far = {name: each.state for name, each in (await rows(stage, handle)).items()}

    await stage.decide(handle, verdict="approve")
    result = await finished(stage, handle)

    assert so_far == {"a.txt": "done", "b.txt": "unsure", "c.txt": "unsure"}
    assert question["arguments"] == {
        name: {"total": {"value": 12, "confidence": 0.4, "quote": f"Total: {VAGUE}"}}
        for name in ("b.txt", "c.txt")
    }
    assert (result.outcome, result.done, result.unsure) == ("completed", 3, 0)
    found = (await rows(stage, handle))["b.txt"].fields
    assert {name: each.standing for name, each in found.items() if each.standing != "stands"} == {
        "total": "approved"
    }
    assert [decision.verdict for decision in result.decisions] == ["approve"]


@pytest.mark.requirement("C4.4:confidence")
async def test_a_question_can_be_about_one_document(stage: Stage, tmp_path: Path) -> None:
    """With a page of one, each document is a question of its own; they are answered apart."""
    handle, first = await _asked(stage, tmp_path, review_page=1)

    await stage.decide(handle, verdict="reject", reason="not that one")
    second = await stage.asked(handle)
    await stage.decide(handle, verdict="approve")
    result = await finished(stage, handle)

    assert [list(first["arguments"]), list(second["arguments"])] == [["b.txt"], ["c.txt"]]
    found = await rows(stage, handle)
    assert [values(found[name])["total"] for name in ("b.txt", "c.txt")] == [None, 12]
    assert "b.txt: not that one" in result.not_done[0]


@pytest.mark.requirement("C4.4:modify")
async def test_a_persons_values_are_checked_and_count(stage: Stage, tmp_path: Path) -> None:
    """What does not fit is refused with the reason; what does replaces the model's value."""
    handle, question = await _asked(stage, tmp_path)
    shown = question["arguments"]
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"b.txt": {"total": "twelve"}}, "'twelve' is not of type 'number'"),
        ({"b.txt": {"supplier": "Other"}}, "'supplier' is not asked about"),
        ({"a.txt": {"total": 1}}, "no document 'a.txt' is asked about"),
        ({"b.txt": 12}, "expected"),
    ]

    for number, (changed, why) in enumerate(wrong, 1):
        await handle.signal("modify", {"arguments": changed})
        status = await stage.until(handle, lambda said, wanted=number: len(said.ignored) == wanted)
        assert why in status.ignored[-1]
    shown["b.txt"]["total"]["value"] = 13.5
    await stage.decide(handle, verdict="modify", arguments=shown)
    result = await finished(stage, handle)

    assert result.done == 3
    found = await rows(stage, handle)
    b, c = found["b.txt"].fields["total"], found["c.txt"].fields["total"]
    assert (b.value, b.standing, b.was) == (13.5, "corrected", 12)
    assert (c.value, c.standing) == (12, "approved")


@pytest.mark.requirement("C4.4:modify")
async def test_null_leaves_a_field_empty(stage: Stage, tmp_path: Path) -> None:
    """A person may say that the document does not say it; what they leave out counts."""
    handle, _ = await _asked(stage, tmp_path)

    await stage.decide(handle, verdict="modify", arguments={"b.txt": {"total": None}})
    await finished(stage, handle)

    found = await rows(stage, handle)
    assert [values(found[name])["total"] for name in ("b.txt", "c.txt")] == [None, 12]
    assert found["b.txt"].fields["total"].standing == "emptied"


@pytest.mark.requirement("C4.4:reject")
async def test_silence_leaves_unsure_fields_empty(stage: Stage, tmp_path: Path) -> None:
    """Nobody answers in the declared time: rows without unsure fields, and no second question."""
    handle, question = await _asked(stage, tmp_path, answer_within_s=1, review_page=1)

    result = await finished(stage, handle)

    assert question["silence"] == "the answer is no"
    assert (result.outcome, result.done) == ("completed", 3)
    assert [decision.verdict for decision in result.decisions] == ["silence"]
    assert values((await rows(stage, handle))["c.txt"])["total"] is None
    assert values((await rows(stage, handle))["b.txt"]) == {
        "supplier": "Bolt",
        "total": None,
        "issued": "2026-03-01",
    }
    assert "nobody answered in time" in result.not_done[0]


@pytest.mark.requirement("C4.4:quote")
async def test_a_quote_that_is_not_there_goes_to_a_person(stage: Stage, tmp_path: Path) -> None:
    """However sure the model is: a quote of its own making, or half a word, is asked about."""

    def misquote(asked: Asked, step: Step) -> Step:
        assert isinstance(step, Say)
        answer = json.loads(step.text)
        answer["total"] |= {"quote": "The total is 10.50", "confidence": 1}
        answer["issued"] |= {"quote": "2026-03-0", "confidence": 1}
        answer["supplier"]["quote"] = "supplier:\n  acme"  # spaces and case are no difference
        return Say(json.dumps(answer))

    root = folder(tmp_path, {"a.txt": invoice("Acme")})
    await play(stage, misquote)
    handle = await start(stage, root)
    question = await stage.asked(handle)
    await stage.decide(handle, verdict="approve")
    await finished(stage, handle)

    asked_about = question["arguments"]["a.txt"]
    assert sorted(asked_about) == ["issued", "total"]
    assert asked_about["total"]["note"] == "the quote is not in the document"


@pytest.mark.requirement("C4.4:confidence")
async def test_a_required_field_that_is_empty_goes_to_a_person(
    stage: Stage, tmp_path: Path
) -> None:
    """A document without a total is asked about; one without a date, which is optional, is not."""
    root = folder(tmp_path, {"a.txt": "Supplier: Acme\n", "b.txt": "Supplier: B\nTotal: 2\n"})
    await play(stage)
    handle = await start(stage, root)

    question = await stage.asked(handle)
    await stage.decide(handle, verdict="modify", arguments={"a.txt": {"total": 5}})
    result = await finished(stage, handle)

    assert list(question["arguments"]) == ["a.txt"]
    assert list(question["arguments"]["a.txt"]) == ["total"]
    assert result.summary is not None
    assert str(result.summary.fields[1].total) == "7"


@pytest.mark.requirement("C4.4:dry-run")
async def test_a_dry_run_asks_nobody(stage: Stage, tmp_path: Path) -> None:
    """What would have been asked about stays unsure, and the result says so."""
    root = folder(tmp_path, {"a.txt": invoice("Acme"), "b.txt": invoice("Bolt", VAGUE)})
    await play(stage)

    result = await finished(stage, await start(stage, root, dry_run=True))

    assert (result.outcome, result.done, result.unsure) == ("completed", 1, 1)
    assert "nobody was asked about: 1" in result.not_done[0]


@pytest.mark.requirement("C4.4:resume")
async def test_going_on_asks_again_without_buying_again(stage: Stage, tmp_path: Path) -> None:
    """A person ends the batch at its question; the next batch asks it, with no model call."""
    handle, _ = await _asked(stage, tmp_path)
    await handle.signal("abort")
    assert (await finished(stage, handle)).unsure == 2
    before = len(stage.provider.asked)

    second = await start(stage, tmp_path, "batch.2", resumes=handle.id)
    question = await stage.asked(second)
    await stage.decide(second, verdict="approve")
    result = await finished(stage, second)

    assert list(question["arguments"]) == ["b.txt", "c.txt"]
    assert (result.done, len(stage.provider.asked)) == (3, before)
