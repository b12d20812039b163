"""The second check: bears out what is so, and nothing else, whatever a model claims."""

from datetime import date
from pathlib import Path
from random import Random

import pytest

from agents.auditor.confirm import confirm
from agents.auditor.evals import write
from agents.auditor.profile import profile
from agents.auditor.sample import sample
from agents.auditor.screen import locate
from domain.audit import KINDS, Finding, LedgerProfile, PreparedLedger
from tests.auditor.books import prepared


class Book:
    """A sample ledger with thirty faults, and what the rules make of them."""

    def __init__(self, folder: Path) -> None:
        rows, self.planted = sample(11, faults=30)
        self.rows = rows
        self.ledger: PreparedLedger = prepared(write(folder / "faults.csv", rows), folder)
        self.normal: LedgerProfile = profile(self.ledger.path)
        self.findings = [
            finding
            for fault in self.planted
            for finding in locate(self.ledger.path, self.normal, fault.account_id)
        ]

    def confirms(self, finding: Finding) -> bool:
        """Whether the second check bears `finding` out."""
        return confirm(self.ledger.path, self.normal, finding).confirmed


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """One ledger for all tests here."""
    return Book(tmp_path_factory.mktemp("confirm"))


def test_what_the_rules_find_is_confirmed(faulty: Book) -> None:
    """Search and count are two derivations; on thirty faults of all kinds they agree."""
    assert len(faulty.findings) == 30
    assert {finding.kind for finding in faulty.findings} == set(KINDS)
    assert all(faulty.confirms(finding) for finding in faulty.findings)


def test_the_reported_numbers_are_the_checks_own(faulty: Book) -> None:
    """A model's amounts do not reach the report: the check states what the ledger says."""
    true = faulty.findings[0]
    boasted = true.model_copy(update={"recorded": 1.0, "expected": 2.0})

    checked = confirm(faulty.ledger.path, faulty.normal, boasted)

    assert checked.confirmed
    assert checked.recorded_cents == round(true.recorded * 100)
    assert abs((checked.expected_cents or 0) - round(true.expected * 100)) <= 20
    assert all(evidence.sql.startswith(("SELECT", "WITH")) for evidence in checked.evidence)


def test_another_kind_is_rejected(faulty: Book) -> None:
    """The right booking with a wrong kind is not borne out, and the right kind is named."""
    for finding in faulty.findings:
        for kind in set(KINDS) - {finding.kind}:
            checked = confirm(
                faulty.ledger.path, faulty.normal, finding.model_copy(update={"kind": kind})
            )

            assert not checked.confirmed, (finding, kind)
            assert checked.supported == finding.kind


def test_another_booking_of_the_account_is_rejected(faulty: Book) -> None:
    """The right account and kind with any other booking is not borne out."""
    for finding in faulty.findings:
        copies = {finding.trans_id} | _twins(faulty, finding)
        others = [
            row
            for row in faulty.rows
            if row["account_id"] == finding.account_id and row["trans_id"] not in copies
        ]
        for row in others:
            claimed = finding.model_copy(
                update={"trans_id": row["trans_id"], "date": date.fromisoformat(row["date"])}
            )

            assert not faulty.confirms(claimed), (finding, row)


def test_a_sound_account_is_never_confirmed(faulty: Book) -> None:
    """Bookings of accounts without a fault, under every kind: all rejected."""
    sound = {row["account_id"] for row in faulty.rows} - {f.account_id for f in faulty.planted}
    rows = [row for row in faulty.rows if row["account_id"] in sound]
    for row in Random(1).sample(rows, 150):
        for kind in KINDS:
            claimed = Finding(
                account_id=row["account_id"],
                date=date.fromisoformat(row["date"]),
                trans_id=row["trans_id"],
                kind=kind,
                recorded=0,
                expected=0,
            )

            assert not faulty.confirms(claimed), (row, kind)


@pytest.mark.parametrize("trans_id", ["90909090", "' OR 1=1 --", ""])
def test_an_invented_booking_is_rejected(faulty: Book, trans_id: str) -> None:
    """A booking that is not there is told so, and its name is data, not SQL."""
    claimed = faulty.findings[0].model_copy(update={"trans_id": trans_id})

    checked = confirm(faulty.ledger.path, faulty.normal, claimed)

    assert not checked.confirmed
    assert "has no transaction" in checked.reason


def _twins(faulty: Book, finding: Finding) -> set[str]:
    """Return the bookings that no ledger could tell from the one that is meant."""
    own = next(
        row
        for row in faulty.rows
        if (row["account_id"], row["trans_id"]) == (finding.account_id, finding.trans_id)
    )
    same = ("account_id", "date", "type", "amount", "balance")
    return {
        row["trans_id"]
        for row in faulty.rows
        if finding.kind != "duplicate" and all(row[name] == own[name] for name in same)
    }
