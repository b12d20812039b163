"""Auditing a ledger from the command line."""

from pathlib import Path

import pytest

from agents.auditor.sample import write_sample
from tests.e2e.cli import Cli

FIGURES = {
    "run_id",
    "outcome",
    "findings",
    "needs_review",
    "unconfirmed",
    "transactions",
    "accounts",
    "model_calls",
    "tokens",
    "cost_usd",
    "model",
    "seconds",
}

pytestmark = pytest.mark.slow


def test_a_dry_run_finds_every_planted_fault_and_asks_nobody(cli: Cli, tmp_path: Path) -> None:
    """`audit --dry-run --json` prints the figures; findings are exactly the planted faults."""
    planted = write_sample(tmp_path / "ledger.csv")

    ran = cli("audit", str(tmp_path / "ledger.csv"), "--dry-run", "--json")

    assert ran.code == 0, ran.err
    assert set(ran.json) == FIGURES
    assert {row["account_id"] for row in ran.json["findings"]} == {
        fault.account_id for fault in planted
    }
    assert len(ran.json["findings"]) == len(planted)
    assert "stand-in" in ran.json["model"]


def test_the_filing_gate_exits_3_with_what_there_is(cli: Cli, tmp_path: Path) -> None:
    """Without --dry-run the audit stops before it files; a person then decides."""
    write_sample(tmp_path / "ledger.csv")

    ran = cli("audit", str(tmp_path / "ledger.csv"), "--json", "--id", "gate")
    refused = cli("reject", "gate", "--reason", "not this month")
    ended = cli("watch", "gate")

    assert ran.code == 3, ran.err
    assert set(ran.json) == FIGURES
    assert (ran.json["outcome"], len(ran.json["findings"])) == ("waiting", 8)
    assert refused.code == 0
    assert "not this month" in ended.out
