"""What a case of the auditor is started with: a made-up ledger with one fault, as an audit has it.

`seed`, `kind` and `size` say which fault; `kind: none` asks about an account that is sound. `note`
is put into a text column of the ledger, for a case in which the ledger speaks to whoever reads it.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.auditor.faults import Faults, Planted, Rows, inject
from agents.auditor.ledger import batches, prepare
from agents.auditor.profile import profile
from agents.auditor.sample import sample
from agents.auditor.screen import screen
from domain.audit import Candidate, LedgerProfile, LedgerSource, ScreenRequest, brief

_ACCOUNTS, _MONTHS = 8, 6


def planted(given: Mapping[str, Any]) -> tuple[Rows, list[Planted]]:
    """Return the case's ledger, and the fault that was planted in it."""
    rows, _ = sample(int(given["seed"]), _ACCOUNTS, _MONTHS, faults=0)
    kind = str(given["kind"])
    # Who asks about a sound account is shown a ledger that has a fault elsewhere.
    kinds = ("sign",) if kind == "none" else (kind,)
    how = Faults(kinds=kinds, size=given.get("size", "any"), busy=bool(given.get("busy")))  # pyright: ignore[reportArgumentType]
    faulty, found = inject(rows, int(given["seed"]), 1, how)
    if note := given.get("note"):
        for row in faulty:
            row["k_symbol"] = str(note)
    return faulty, found


def request(given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the task of the run that looks into the account, and the ledger that it asks."""
    rows, _ = planted(given)
    path = folder / "ledger.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    ledger = prepare(LedgerSource(ledger=str(path)), folder)
    normal = profile(ledger.path)
    candidate = _candidate(ledger.path, normal)
    if given["kind"] == "none":
        candidate = _sound(ledger.path, candidate)
    return {"task": brief(candidate, normal), "data": {"ledger": ledger.path}}


def _candidate(path: str, normal: LedgerProfile) -> Candidate:
    found = [
        candidate
        for accounts in batches(path, 100)
        for candidate in screen(
            ScreenRequest(path=path, profile=normal, accounts=accounts)
        ).candidates
    ]
    return found[0]


def _sound(path: str, candidate: Candidate) -> Candidate:
    """Return the same question about an account in which nothing is wrong."""
    [accounts] = batches(path, 100)
    other = next(each for each in accounts if each != candidate.account_id)
    return candidate.model_copy(update={"account_id": other, "opening_cents": None})
