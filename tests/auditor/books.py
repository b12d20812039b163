"""Small ledgers for tests, and where the real one is."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from agents.auditor.ledger import batches, prepare
from agents.auditor.profile import profile
from agents.auditor.screen import screen
from domain.audit import Candidate, LedgerProfile, LedgerSource, PreparedLedger, ScreenRequest

BANK = Path(__file__).resolve().parents[3] / "shared" / "data" / "czech_bank"
HEADER = "trans_id,account_id,date,type,amount,balance"
real_data = pytest.mark.skipif(not BANK.is_dir(), reason=f"the real ledger is not in {BANK}")


def book(folder: Path, lines: Iterable[str], header: str = HEADER, name: str = "book.csv") -> Path:
    """Write a CSV file and return where."""
    path = folder / name
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def prepared(path: Path | str, folder: Path, **options: object) -> PreparedLedger:
    """Take a snapshot of a ledger into `folder`."""
    source = LedgerSource.model_validate({"ledger": str(path), **options})
    return prepare(source, folder / "cache")


def screened(ledger: PreparedLedger) -> tuple[LedgerProfile, list[Candidate]]:
    """Profile and screen a snapshot."""
    normal = profile(ledger.path)
    candidates: list[Candidate] = []
    for batch in batches(ledger.path, 100):
        found = screen(ScreenRequest(path=ledger.path, profile=normal, accounts=batch))
        assert not found.failed
        candidates.extend(found.candidates)
    return normal, candidates


def steady(account: str, days: int, *, start: int = 0) -> list[str]:
    """Return an account that takes in 100.00 a day from nothing, without any fault."""
    lines: list[str] = []
    for number in range(days):
        balance = start + 100 * (number + 1)
        day = f"2024-{1 + number // 28:02}-{1 + number % 28:02}"
        lines.append(f"{account}-{number},{account},{day},IN,100.00,{balance}.00")
    return lines
