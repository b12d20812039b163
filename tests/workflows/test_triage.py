"""Triage: what runs alone, what goes to a person, and what is known afterwards."""

from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import WorkflowUpdateFailedError

from domain.runs import Outcome
from runtime.tickets import Tickets
from tests.fakes import Asked, Say
from tests.workflows.stage import Stage
from tests.workflows.triaging import (
    CLEAR,
    NOVEL,
    UNSURE,
    asking,
    file_of,
    granted,
    model,
    play,
    result,
    sent,
    start,
)


@pytest.fixture
def tenant() -> str:
    """A tenant of the test's own: what is known is kept by tenant."""
    return f"t-{uuid4().hex[:8]}"


@pytest.mark.requirement("C4.5:alone", "C6:standing-gate")
async def test_clear_tickets_are_answered_alone(stage: Stage, tmp_path: Path, tenant: str) -> None:
    """Three clear tickets under a standing approval: three replies, and nobody is asked."""
    await play(stage)
    standing = await granted(stage, tenant)
    path = file_of(tmp_path, [(f"T-{n}", "", "", f"{CLEAR} {n}") for n in range(3)])

    came = await result(stage, await start(stage, path, tenant))

    assert (came.outcome, came.tickets, came.sent_alone, came.asked) == ("completed", 3, 3, 0)
    assert await sent(stage, tenant) == ["T-0", "T-1", "T-2"]
    rows = await all_rows(stage, tenant)
    assert {row["standing"] for row in rows} == {standing.id}
    assert {row["source"] for row in rows} == {"logprobs"}


@pytest.mark.requirement("C4.5:person", "C4.5:confidence")
async def test_what_is_unsure_or_novel_waits_for_a_person_alone(
    stage: Stage, tmp_path: Path, tenant: str
) -> None:
    """The clear ticket behind them is sent while they wait; each asks on a run of its own."""
    await play(stage)
    await granted(stage, tenant)
    tickets = [("T-1", "", "", UNSURE), ("T-2", "", "", NOVEL), ("T-3", "", "", CLEAR)]

    handle = await start(stage, file_of(tmp_path, tickets), tenant, parallel=1)
    runs = await asking(stage, handle, 2)
    await stage.until(handle, lambda status: status.extra["sent alone"] == 1)
    questions = {}
    for run in runs:
        asked = (await stage.status(stage.client.get_workflow_handle(run))).question
        assert asked is not None
        questions[asked["arguments"]["ticket"]] = asked["why"]
        await stage.client.get_workflow_handle(run).signal("approve", {"by": "ben"})
    came = await result(stage, handle)

    assert "calibrated confidence is 0.50" in questions["T-1"]
    assert "like nothing known" in questions["T-2"]
    assert (came.sent_alone, came.sent_by_person, came.asked) == (1, 2, 2)
    assert (came.low_confidence, came.novel) == (1, 1)
    assert await sent(stage, tenant) == ["T-1", "T-2", "T-3"]


@pytest.mark.requirement("C4.5:changed")
async def test_a_correction_at_the_gate_is_sent_and_learnt(
    stage: Stage, tmp_path: Path, tenant: str
) -> None:
    """An unknown category is refused at once; the right one is sent, and known then."""
    await play(stage)
    handle = await start(stage, file_of(tmp_path, [("T-1", "", "", NOVEL)]), tenant, offer=False)
    (run,) = await asking(stage, handle, 1)
    ticket = stage.client.get_workflow_handle(run)
    wrong = {"ticket": "T-1", "category": "zoo", "reply": "Hello"}
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await stage.decide(ticket, verdict="modify", arguments=wrong, by="ben")

    right = {**wrong, "category": "login"}
    await stage.decide(ticket, verdict="modify", arguments=right, by="ben")
    came = await result(stage, handle)

    assert "no category 'zoo'" in str(refused.value.cause)
    assert came.sent_by_person == 1
    (reply,) = await Tickets(stage.database).outbox(tenant)
    assert (reply.category, reply.body) == ("login", "Hello")
    second = await start(
        stage, file_of(tmp_path, [("T-2", "", "", NOVEL)], "more.csv"), tenant, dry_run=True
    )
    assert (await result(stage, second)).novel == 0


@pytest.mark.requirement("C4.5:offer")
async def test_a_person_is_offered_a_standing_approval(
    stage: Stage, tmp_path: Path, tenant: str
) -> None:
    """Approved with other terms: one use, so the first ticket runs alone and the second asks."""
    await play(stage)
    tickets = [("T-1", "", "", CLEAR), ("T-2", "", "", f"{CLEAR} too")]
    handle = await start(stage, file_of(tmp_path, tickets), tenant, parallel=1)
    offer = await stage.asked(handle)
    terms = {**offer["arguments"], "uses": 1}

    await stage.decide(handle, verdict="modify", arguments=terms, by="ann")
    (run,) = await asking(stage, handle, 1)
    await stage.client.get_workflow_handle(run).signal("reject", {"reason": "not so"})
    came = await result(stage, handle)

    assert offer["tool"] == "send_reply"
    assert (came.sent_alone, came.not_sent, came.asked) == (1, 1, 1)
    assert await sent(stage, tenant) == ["T-1"]


@pytest.mark.requirement("C4.5:ids")
async def test_rows_that_are_no_tickets_are_named(
    stage: Stage, tmp_path: Path, tenant: str
) -> None:
    """No id, an id again, no text: each is named with its row; the others are answered."""
    await play(stage)
    await granted(stage, tenant)
    tickets = [
        ("T-1", "", "", CLEAR),
        ("", "", "", CLEAR),
        ("T-1", "", "", "again"),
        ("T-2", "", "", " "),
        ("T-3", "", "", CLEAR),
    ]

    came = await result(stage, await start(stage, file_of(tmp_path, tickets), tenant))

    assert came.left_out == (
        "row 3: it has no id",
        "row 4: its id 'T-1' is that of row 2",
        "row 5: ticket 'T-2' has no text",
    )
    assert await sent(stage, tenant) == ["T-1", "T-3"]


@pytest.mark.requirement("C4.5:once")
async def test_a_ticket_that_was_answered_is_not_answered_again(
    stage: Stage, tmp_path: Path, tenant: str
) -> None:
    """The same file once more, with one new ticket: only that one is answered."""
    await play(stage)
    await granted(stage, tenant)
    first = file_of(tmp_path, [("T-1", "", "", CLEAR)])
    await result(stage, await start(stage, first, tenant))
    more = file_of(tmp_path, [("T-1", "", "", CLEAR), ("T-2", "", "", CLEAR)])

    again = await result(stage, await start(stage, more, tenant))
    third = await result(stage, await start(stage, more, tenant))

    assert (again.sent_alone, again.left_out) == (1, ("ticket 'T-1': answered before",))
    assert third.outcome is Outcome.REJECTED
    assert await sent(stage, tenant) == ["T-1", "T-2"]


@pytest.mark.requirement("C4.5:account", "C4.5:confidence")
async def test_the_account_reaches_the_draft(stage: Stage, tmp_path: Path, tenant: str) -> None:
    """Its facts are looked up; an unknown account holds nothing up; the model's own word counts."""

    def without(asked: Asked) -> Say:
        return Say(model(asked).text)

    await play(stage, without)
    await granted(stage, tenant)
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("account,name\nA-1,Zoe\n", encoding="utf-8")
    path = file_of(tmp_path, [("T-1", "A-1", "", CLEAR), ("T-2", "A-2", "", CLEAR)])

    await result(stage, await start(stage, path, tenant, accounts=str(accounts)))

    bodies = {each.ticket: each.body for each in await Tickets(stage.database).outbox(tenant)}
    assert '{"name": "Zoe"}' in bodies["T-1"]
    assert bodies["T-2"] == f"About: {CLEAR}"
    assert {row["source"] for row in await all_rows(stage, tenant)} == {"stated"}


async def all_rows(stage: Stage, tenant: str) -> list[dict[str, object]]:
    """Return a tenant's tickets."""
    tickets = Tickets(stage.database)
    lineages = await tickets.of_tenant(tenant)
    return [row for lineage in lineages for row in await tickets.rows(lineage)]
