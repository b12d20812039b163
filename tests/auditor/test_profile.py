"""Finding out what is normal, whatever the ledger and however many faults are in it."""

from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.auditor.profile import Gap, tolerance
from tests.auditor.books import BANK, book, prepared, real_data, screened


@real_data
@pytest.mark.parametrize("name", ["ledger.csv", "tampered.csv", "tampered_small.csv"])
def test_the_real_ledgers_rounding_is_found(tmp_path: Path, name: str) -> None:
    """Interest rounded to a tenth is found out, and sixty faults do not widen it."""
    normal, _ = screened(prepared(BANK / name, tmp_path))

    assert (normal.tolerance_cents, normal.grain_cents) == (10, 10)
    assert normal.signs == {"PRIJEM": 1, "VYBER": -1, "VYDAJ": -1}


@given(
    bound=st.sampled_from([1, 5, 10, 50]),
    rounded=st.integers(400, 4_000),
    faults=st.lists(st.integers(11, 900_000), max_size=120),
)
def test_faults_do_not_widen_the_rounding(bound: int, rounded: int, faults: list[int]) -> None:
    """Whatever the faults' sizes, what was rounded evenly up to a bound gives that bound."""
    counts = dict.fromkeys(range(1, bound + 1), max(4, rounded // bound))
    gaps = {0: 40_000} | counts
    for size in faults:
        # Faults beside the bound are as few in each place as chance allows.
        far = size + 2 * bound
        gaps[far] = gaps.get(far, 0) + 1
    spread = [Gap(size, links, min(links, 900)) for size, links in sorted(gaps.items())]

    assert tolerance(spread, 1_200) == bound


@given(st.lists(st.integers(1, 900_000), max_size=80))
def test_an_exact_ledger_has_no_rounding(faults: list[int]) -> None:
    """Faults alone, of any size, are never taken for a habit of rounding."""
    gaps = {0: 40_000}
    for size in faults:
        gaps[size] = gaps.get(size, 0) + 1

    found = tolerance([Gap(size, links, links) for size, links in sorted(gaps.items())], 1_200)

    assert found == 0


@pytest.mark.parametrize("count", [30, 45, 60])
def test_many_small_faults_in_a_small_ledger_are_no_habit(count: int) -> None:
    """Two or three per cent of faults below one unit, in every account, are still faults."""
    for seed in range(200):
        rng = Random(seed)
        faults = Counter(rng.randint(22, 100) for _ in range(count))
        gaps = [Gap(0, 2_000, 40), *(Gap(size, n, n) for size, n in sorted(faults.items()))]

        assert tolerance(gaps, 40) == 0


def test_a_ledger_rounded_to_whole_units_is_sound(tmp_path: Path) -> None:
    """Interest rounded to a whole unit beside exact balances raises nothing."""
    rng = Random(3)
    lines: list[str] = []
    for account in range(30):
        balance = 0
        for number in range(60):
            interest = number % 5 == 4
            signed = rng.randrange(1_00, 90_00) if interest else rng.randrange(10_00, 900_00)
            balance += signed
            shown = round(signed, -2) if interest else signed
            when = f"2024-{1 + number // 28:02}-{1 + number % 28:02}"
            lines.append(f"{len(lines)},{account},{when},IN,{shown / 100},{balance / 100}")

    normal, candidates = screened(prepared(book(tmp_path, lines), tmp_path))

    assert 45 <= normal.tolerance_cents <= 50
    assert candidates == []


def test_an_exact_ledger_is_judged_exactly(tmp_path: Path) -> None:
    """Without rounding in the ledger, a single cent is a fault."""
    rng = Random(4)
    lines: list[str] = []
    for account in range(20):
        balance = 0
        for number in range(40):
            signed = rng.randrange(1, 90_000)
            balance += signed
            shown = signed + 1 if (account, number) == (7, 20) else signed
            when = f"2024-{1 + number // 28:02}-{1 + number % 28:02}"
            lines.append(f"{len(lines)},{account},{when},IN,{shown / 100},{balance / 100}")

    normal, candidates = screened(prepared(book(tmp_path, lines), tmp_path))

    assert normal.tolerance_cents == 0
    assert [candidate.account_id for candidate in candidates] == ["7"]
