"""Screening and localisation: nothing where nothing is wrong, everything where something is."""

import csv
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from agents.auditor.evals import CASES, Score, evaluate, read, score
from agents.auditor.faults import Faults, Planted, inject
from agents.auditor.ledger import batches
from agents.auditor.profile import profile
from agents.auditor.sample import labels_of, sample, write_sample
from agents.auditor.screen import locate, screen, series
from domain.audit import ScreenRequest
from tests.auditor.books import BANK, book, prepared, real_data, screened, steady


@real_data
def test_the_real_ledger_raises_nothing(tmp_path: Path) -> None:
    """46,997 honest rows, 13,681 of them out of order, give no candidate."""
    ledger = prepared(BANK / "ledger.csv", tmp_path)

    _, candidates = screened(ledger)

    assert (ledger.transactions, ledger.accounts, candidates) == (46_997, 1_229, [])


@real_data
@pytest.mark.parametrize("name", ["tampered", "tampered_small"])
def test_every_planted_fault_is_found_and_named(tmp_path: Path, name: str) -> None:
    """All accounts with a fault and no other; each fault's booking and kind named and confirmed."""
    with (BANK / f"{name}_labels.csv").open(encoding="utf-8", newline="") as file:
        labels = TypeAdapter(list[Planted]).validate_python(list(csv.DictReader(file)))

    came = score(prepared(BANK / f"{name}.csv", tmp_path), labels)

    assert (came.found, came.false) == (came.planted, 0)
    assert came.exact == came.planted
    assert came.confirmed == came.findings == came.planted


@real_data
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_other_faults_are_found_as_well(tmp_path: Path) -> None:
    """A dozen other fault files, of other seeds, sizes and days: none missed, none false."""
    rows = read(BANK / "ledger.csv")
    accounts = set(sorted({row["account_id"] for row in rows})[:150])
    part = [row for row in rows if row["account_id"] in accounts]

    scores = [(seed, came) for seed, _, came in evaluate(part, tmp_path, CASES)]

    assert [(seed, came) for seed, came in scores if not _complete(came)] == []
    # An amount altered to another usual amount cannot be told from a missing booking.
    exact = sum(came.exact for _, came in scores) / sum(came.planted for _, came in scores)
    assert exact >= 0.97


@pytest.mark.parametrize("seed", range(6))
def test_the_sample_ledger_is_sound_but_for_its_faults(tmp_path: Path, seed: int) -> None:
    """The demo's ledger: rounding and disorder in it, and exactly the planted faults found."""
    path = tmp_path / "sample.csv"
    planted = write_sample(path, seed)

    came = score(prepared(path, tmp_path), planted)

    assert (came.planted, came.found, came.false, came.exact) == (8, 8, 0, 8)
    assert len(labels_of(path).read_text(encoding="utf-8").splitlines()) == 9


def test_the_sample_is_the_same_for_the_same_seed() -> None:
    """A seed makes one ledger, of the size that the demo promises."""
    rows, planted = sample(7)

    assert (rows, planted) == sample(7)
    assert len(rows) > 2_000
    assert len({row["account_id"] for row in rows}) == 40
    assert {fault.kind for fault in planted} == {
        "amount", "balance", "duplicate", "missing", "sign",
    }  # fmt: skip


def test_faults_stay_clear_of_the_edges_of_an_account() -> None:
    """No fault is planted in the first or last four rows of an account, and one in each at most."""
    rows, planted = inject(sample(1, faults=0)[0], 5, 30, Faults())

    assert len({fault.account_id for fault in planted}) == len(planted) == 30
    for fault in planted:
        own = [
            row["date"] for row in sample(1, faults=0)[0] if row["account_id"] == fault.account_id
        ]
        assert own[3] <= fault.date <= own[-4]
    assert rows


def test_two_faults_in_one_account_are_two_candidates(tmp_path: Path) -> None:
    """After a fault the account is taken up again, and the next one is found too."""
    lines = steady("a", 50)
    lines[20] = lines[20].replace(",100.00,", ",170.00,")
    lines[35] = lines[35].replace(",IN,", ",IN,").replace(",100.00,", ",55.00,")
    ledger = prepared(book(tmp_path, lines), tmp_path)

    normal, candidates = screened(ledger)

    assert [str(candidate.days[-1]) for candidate in candidates] == ["2024-01-21", "2024-02-08"]
    assert [finding.trans_id for finding in locate(ledger.path, normal, "a")] == ["a-20", "a-35"]


def test_a_break_that_no_single_fault_explains_is_still_shown(tmp_path: Path) -> None:
    """Several figures of one day overwritten: no reading fits, and a person hears of the day."""
    lines = [line for name in "abcdef" for line in steady(name, 30)]
    day = "a-15,a,2024-01-16,IN,100.00,1600.00"
    at = lines.index(day)
    lines[at : at + 1] = [
        "x,a,2024-01-16,IN,31.00,977.00", "y,a,2024-01-16,IN,47.00,4123.00",
        "z,a,2024-01-16,IN,53.00,8087.00",
    ]  # fmt: skip

    _, candidates = screened(prepared(book(tmp_path, lines), tmp_path))

    assert {candidate.account_id for candidate in candidates} == {"a"}
    assert "no order of the 3 bookings of 2024-01-16" in candidates[0].why


def test_batches_hold_each_account_once(tmp_path: Path) -> None:
    """All accounts are screened, none twice; one that is unknown does not disturb the others."""
    lines = [line for name in "abcde" for line in steady(name, 3)]
    ledger = prepared(book(tmp_path, lines), tmp_path)

    found = batches(ledger.path, 2)

    assert found == [("a", "b"), ("c", "d"), ("e",)]
    normal = profile(ledger.path)
    asked = ScreenRequest(path=ledger.path, profile=normal, accounts=("a", "nobody"))
    assert (screen(asked).transactions, screen(asked).failed) == (3, {})


def test_an_account_may_begin_with_any_balance(tmp_path: Path) -> None:
    """A ledger cut from a longer history does not begin at nothing, and that is no fault."""
    lines = [line for name in "abc" for line in steady(name, 8, start=5_000)]

    _, candidates = screened(prepared(book(tmp_path, lines), tmp_path))

    assert candidates == []


def test_the_plots_points_are_in_booking_order(tmp_path: Path) -> None:
    """Bookings around a finding come in an order that continues the balance."""
    lines = ["1,a,2024-01-01,IN,10.00,10.00", "3,a,2024-01-02,OUT,5.00,25.00",
             "2,a,2024-01-02,IN,20.00,30.00", "4,a,2024-01-03,IN,1.00,26.00"]  # fmt: skip
    ledger = prepared(book(tmp_path, lines), tmp_path)
    normal = profile(ledger.path)

    points = series(ledger.path, normal, "a", normal.first_day, normal.last_day)

    assert [point.trans_id for point in points] == ["1", "2", "3", "4"]


def _complete(came: Score) -> bool:
    return (came.found, came.false, came.confirmed) == (came.planted, 0, came.findings)
