"""The example of agents that call agents, as its page has it."""

import json
import shutil
from pathlib import Path

import pytest

from runtime.settings import PROJECT
from tests.e2e.cli import Cli

pytestmark = pytest.mark.slow


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """The example's orders, in a folder that may be written to."""
    return Path(shutil.copy(PROJECT / "docs/examples/delegation/orders.csv", tmp_path))


def test_what_is_asked_below_is_shown_and_answered_there(cli: Cli, orders: Path) -> None:
    """The caller's command shows the question of the run below; its answer lets both go on."""
    letter = "My teapot, order A-17, came broken."

    asked = cli("run", "frontdesk", letter, "--data", f"orders={orders}", "--id", "letter")
    wrong = cli("approve", "letter")
    approved = cli("approve", "letter/1.0-refunds")
    ended = cli("watch", "letter")

    refunds = orders.with_name("refunds.jsonl").read_text().splitlines()
    assert (asked.code, "approve|reject letter/1.0-refunds" in asked.err) == (3, True)
    assert wrong.code == 1
    assert approved.code == 0
    assert (ended.code, ended.out.splitlines()[0]) == (0, "We have refunded 30.00 for order A-17.")
    assert [json.loads(line)["cents"] for line in refunds] == [3000]


def test_a_letter_that_is_handed_on_has_the_other_agents_answer(cli: Cli, orders: Path) -> None:
    """The run keeps its id, and says who has handed it on."""
    ran = cli("run", "frontdesk", "My lawyer will write.", "--data", f"orders={orders}", "--json")

    assert ran.code == 0
    assert (ran.json["agent"], ran.json["handed"]) == ("complaints", ["frontdesk"])
    assert ran.json["answer"].startswith("Thank you for writing to us about")
