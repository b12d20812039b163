"""What recorded histories and the database tell the audit log."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from commands.audited import outcomes
from commands.audited.database import beside_runs
from commands.audited.entry import Entry, Span
from commands.audited.histories import Past
from domain.approval import arguments_hash
from runtime.caps import Caps
from runtime.database import Database
from runtime.dead_letters import DeadLetters
from runtime.halts import Halts
from runtime.operations import Operations
from runtime.tokens import Tokens
from tests.pages.recorded import CONVERTER, EVERY, legs


async def _told(name: str) -> list[Entry]:
    past = Past("run-1")
    for leg in legs(name):
        await past.add(CONVERTER, leg.events)
    made = outcomes.parsed(past.result)
    return [
        *past.entries,
        *outcomes.decisions("run-1", made, past.said, past.asked),
        *outcomes.refusals("run-1", past.result, past.turns),
    ]


def _of(kind: str, entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.kind == kind]


@pytest.mark.requirement("C6.3:log-whole")
async def test_a_run_tells_who_started_asked_decided_and_what_it_did() -> None:
    """Of a run with an approval: all of it, and the effect by its key and its hashes."""
    entries = await _told("agent/approval.json")

    (started,), (closed,) = _of("run.started", entries), _of("run.closed", entries)
    decided = _of("decision", entries)
    (effect,) = _of("effect", entries)
    assert started.fields["workflow"] == "AgentWorkflow"
    assert closed.fields["outcome"] == "completed"
    assert [(each.fields["verdict"], each.fields["how"]) for each in decided] == [
        ("modify", "person"),
        ("reject", "person"),
    ]
    # The first answer did not count, and is no decision's.
    sent = [entry.fields["event"] for entry in _of("answer.sent", entries)]
    assert [each.fields["event"] for each in decided] == sent[1:]
    assert all(each.fields["identity"] for each in decided)
    assert len(_of("question.asked", entries)) == 2
    assert effect.fields["arguments_hash"] == decided[0].fields["arguments_hash"]
    assert len(effect.fields["idempotency_key"]) == 32
    assert effect.fields["outcome"] == "ok"


@pytest.mark.parametrize("name", EVERY)
async def test_every_recorded_history_can_be_told(name: str) -> None:
    """Whatever the workflow and its end: nothing breaks, and each entry has its moment and run."""
    entries = await _told(name)

    counted = Counter(entry.kind for entry in entries)
    assert counted["run.started"] <= 1
    assert all(entry.at.utcoffset() == timedelta() for entry in entries)
    assert all(entry.run_id == "run-1" for entry in entries)


async def test_what_is_refused_and_what_is_silent_is_told() -> None:
    """A guard's no by the guard's name, without the arguments; silence as nobody's decision."""
    refused = _of("refusal", await _told("agent/rules.json"))
    silent = _of("decision", await _told("agent/silence.json"))

    assert refused
    assert all(" " not in entry.fields["what"] for entry in refused)
    assert [(each.fields["how"], each.fields["identity"]) for each in silent] == [("silence", None)]


async def test_a_reset_copies_events_that_are_told_once() -> None:
    """The execution after a resumption repeats what went before it; the log does not."""
    past, (leg,) = Past("run-1"), legs("agent/approval.json")
    await past.add(CONVERTER, leg.events[:30])
    await past.add(CONVERTER, leg.events)

    assert len(_of("run.started", past.entries)) == 1
    assert len(_of("effect", past.entries)) == 1
    assert len(past.said) == 3


@pytest.mark.requirement("C6.3:operations")
async def test_who_changed_what_is_kept_also_once_it_is_undone(tmp_path: Path) -> None:
    """A cap that was replaced and removed, a token revoked, a letter dropped, a halt lifted."""
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    await database.migrate()
    caps, tokens = Caps(database), Tokens(database)
    await caps.set("acme", "day", cost_usd=Decimal(5), by="ann")
    await caps.set("acme", "day", tokens=9, by="ben")
    assert await caps.remove("acme", "day", by="cas")
    assert not await caps.remove("acme", "day", by="dan")
    made, text = await tokens.add(name="shop", tenant="acme", scopes=("read",), by="ann")
    await tokens.revoke(made.id, by="ben")
    await tokens.revoke(made.id, by="cas")
    letters = DeadLetters(database)
    letter = await letters.add(run_id="r", agent="a", tenant="acme", reason="", payload="{}")
    assert await letters.move(letter, "dropped", by="ann")
    await Halts(database).place("agent", "a", by="ann", reason="why")
    await Halts(database).lift("agent", "a", by="ben", reason="done")

    told = await beside_runs(database, Span())
    of_another = await beside_runs(database, Span(tenant="globex"))
    later = await beside_runs(database, Span(since=datetime.now(UTC) + timedelta(minutes=1)))
    noted = await Operations(database).between()

    assert Counter((entry.kind, entry.fields["by"]) for entry in told) == Counter(
        {
            ("cap.set", "ann"): 1,
            ("cap.set", "ben"): 1,
            ("cap.remove", "cas"): 1,
            ("token.add", "ann"): 1,
            ("token.revoke", "ben"): 1,
            ("letter.dropped", "ann"): 1,
            ("halt.placed", "ann"): 1,
            ("halt.lifted", "ben"): 1,
        }
    )
    assert all("@" in each.identity for each in noted)
    assert text not in str(told)
    assert {entry.kind for entry in of_another} == {"halt.placed", "halt.lifted"}
    assert not later
    await database.close()


def test_an_approval_is_bound_to_the_arguments_of_its_effect() -> None:
    """The same hash stands with the question and with the effect, whatever the order of names."""
    assert arguments_hash({"a": 1, "b": 2}) == arguments_hash({"b": 2, "a": 1})
