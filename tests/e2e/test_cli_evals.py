"""From production: a corrected run becomes a case; past runs go on with another prompt."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from tests.e2e.cli import Cli

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
PROMPT = "Refund what is asked for. Answer with the order's number, the cents and a note."


@pytest.mark.requirement("C6.4:add", "C6.4:warned", "C6.4:fork", "C6.4:stubbed")
def test_a_corrected_run_becomes_a_case_and_goes_on_otherwise(cli: Cli, tmp_path: Path) -> None:
    """A person halves a refund; the case wants the half. A refusal is refunded by another prompt.

    Neither way refunds anything a second time.
    """
    orders = tmp_path / "orders.csv"
    orders.write_text("order_id,item,paid_cents\nA-1,lamp,100\nA-2,desk,300\n")
    ledger = tmp_path / "refunds.jsonl"
    changed, refused = f"half-{uuid4().hex[:8]}", f"mind-{uuid4().hex[:8]}"
    data = f"orders={orders}"
    broken = {"order_id": "A-1", "reason": "broken; write to ada@example.org"}
    cli("run", "refunds", json.dumps(broken), "--data", data, "--id", changed)
    cli("modify", changed, "--arguments", '{"order_id": "A-1", "cents": 50}')
    assert cli("watch", changed).code == 0
    mind = {"order_id": "A-2", "reason": "I changed my mind"}
    assert cli("run", "refunds", json.dumps(mind), "--data", data, "--id", refused).code == 0
    before = ledger.read_text()
    prompt = tmp_path / "prompt.md"
    prompt.write_text(PROMPT)

    added = cli("eval", "add", changed, "--to", str(tmp_path / "cases.yaml"), "--json")
    twice = cli("eval", "add", changed, "--to", str(tmp_path / "cases.yaml"))
    forked = cli.process("fork", refused, changed, "--from", "1", "--prompt", str(prompt), "--json")

    assert added.code == 0, added.err
    [case] = yaml.safe_load((tmp_path / "cases.yaml").read_text())["cases"]
    assert case["expected_output"]["effects"] == [
        {"tool": "refund", "arguments": {"order_id": "A-1", "cents": 50}}
    ]
    assert case["inputs"]["stubs"]["find_order"][0]["when"] == {"order_id": "A-1"}
    assert "ada@example.org" in str(case)
    assert any("email (1)" in note for note in added.json["notes"])
    assert (twice.code, "give another --name" in twice.line) == (2, True)
    assert forked.code == 0, forked.err
    first = forked.json["runs"][0]
    assert (first["run_id"], first["before"]["score"]) == (refused, 1)
    assert first["after"]["score"] < 1
    assert ledger.read_text() == before


def test_what_cannot_be_evaluated_says_why(cli: Cli) -> None:
    """No cases, no such run, several runs without a prompt: one line and what to do."""
    none = cli("eval", "bench")
    gone = cli("eval", "add", "no-such-run")
    several = cli("fork", "a", "b", "--step", "1")

    assert (none.code, "eval add RUN" in none.line) == (2, True)
    assert (gone.code, "no-such-run" in gone.line) == (1, True)
    assert (several.code, "--prompt" in several.line) == (2, True)
