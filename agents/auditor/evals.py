"""How well screening, localisation and confirmation do on faults that are put in for the purpose.

    python -m agents.auditor.evals ../shared/data/czech_bank/ledger.csv

takes a ledger without faults, makes a dozen files with faults of other kinds, sizes and numbers
from it, and prints a line for each. No model takes part: it measures what a model is given, and
what its findings are held against.
"""

import csv
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from agents.auditor.confirm import confirm
from agents.auditor.faults import Faults, Planted, Rows, inject
from agents.auditor.ledger import batches, prepare
from agents.auditor.profile import profile
from agents.auditor.screen import locate, screen
from domain.audit import LedgerSource, PreparedLedger, ScreenRequest

CASES: Final[tuple[tuple[int, int, Faults], ...]] = (
    (1, 0, Faults()),
    (2, 60, Faults()),
    (3, 300, Faults()),
    (4, 60, Faults(size="small")),
    (5, 60, Faults(size="slip")),
    (6, 60, Faults(size="round")),
    (7, 100, Faults(busy=True)),
    (8, 60, Faults(kinds=("duplicate",), busy=True, same_id=True)),
    (9, 60, Faults(kinds=("missing",), busy=True)),
    (10, 60, Faults(kinds=("sign",), busy=True)),
    (11, 120, Faults(kinds=("amount", "balance"), size="small", busy=True)),
    (12, 5, Faults()),
    (13, 1000, Faults()),
)


class Score(NamedTuple):
    """What came of one file.

    Attributes:
        found: Accounts with a fault in which screening saw a break.
        false: Accounts without one in which it did.
        exact: Faults whose booking and kind were named rightly by the rules alone.
        confirmed: Of the findings, those that the second check bears out.
        seconds: Profile and screening.
    """

    planted: int
    found: int
    false: int
    exact: int
    findings: int
    confirmed: int
    seconds: float


def score(ledger: PreparedLedger, planted: Sequence[Planted]) -> Score:
    """Screen a prepared ledger and hold what is found against the faults planted in it."""
    started = time.perf_counter()
    normal = profile(ledger.path)
    accounts = {
        candidate.account_id
        for batch in batches(ledger.path, 100)
        for candidate in screen(
            ScreenRequest(path=ledger.path, profile=normal, accounts=batch)
        ).candidates
    }
    seconds = time.perf_counter() - started
    truth = {fault.account_id: fault for fault in planted}
    findings = [each for name in sorted(accounts) for each in locate(ledger.path, normal, name)]
    return Score(
        planted=len(truth),
        found=len(accounts & truth.keys()),
        false=len(accounts - truth.keys()),
        exact=sum(
            each.kind == fault.kind and (each.kind == "missing" or each.trans_id == fault.trans_id)
            for each in findings
            if (fault := truth.get(each.account_id))
        ),
        findings=len(findings),
        confirmed=sum(confirm(ledger.path, normal, each).confirmed for each in findings),
        seconds=seconds,
    )


def read(path: Path) -> Rows:
    """Return a ledger's rows as text."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: Rows) -> Path:
    """Write rows as a ledger, and return where."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def evaluate(
    rows: Rows, folder: Path, cases: Iterable[tuple[int, int, Faults]] = CASES
) -> Iterator[tuple[int, Faults, Score]]:
    """Yield seed, kind of faults and score of every case."""
    for seed, count, how in cases:
        faulty, planted = inject(rows, seed, count, how)
        source = LedgerSource(ledger=str(write(folder / f"faults-{seed}.csv", faulty)))
        yield seed, how, score(prepare(source, folder), planted)


def main(arguments: Sequence[str]) -> int:
    """Print the table for the ledger that is named; return the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m agents.auditor.evals LEDGER.csv\n")
        return 2
    head = "seed  size   days  planted  found  false  exact  confirmed  seconds\n"
    sys.stdout.write(head)
    with tempfile.TemporaryDirectory() as folder:
        for seed, how, came in evaluate(read(Path(arguments[0])), Path(folder)):
            sys.stdout.write(
                f"{seed:>4}  {how.size:<5}  {'busy' if how.busy else 'all':<4}  "
                f"{came.planted:>7}  {came.found:>5}  {came.false:>5}  {came.exact:>5}  "
                f"{came.confirmed:>4} of {came.findings:<4}{came.seconds:>6.1f}\n"
            )
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
