"""`orchestrate` as people run it: its examples, its words, its exit codes, its dead letters."""

import json
from pathlib import Path

import pytest

from runtime.settings import PROJECT
from tests.e2e.cli import Cli

EXAMPLES = PROJECT / "docs" / "examples" / "orchestrator"


@pytest.mark.slow
def test_the_troubles_end_where_the_page_says(cli: Cli) -> None:
    """A question, an answer, and each task's end; the letter is sent again once, mended."""
    asked = cli("orchestrate", str(EXAMPLES / "troubles.yaml"), "--id", "troubles")
    answered = cli("approve", "troubles", "--reason", "the word is heron")
    ended = cli("watch", "troubles")
    as_json = cli("watch", "troubles", "--json").json

    assert asked.code == 3
    assert "what is the word for asks?" in asked.err
    assert answered.code == 0
    assert ended.code == 1
    ends = {task["id"]: (task["standing"], task["attempts"]) for task in as_json["tasks"]}
    assert ends == {
        "smooth": ("done", 1),
        "stumbles": ("done", 3),
        "asks": ("done", 1),
        "hopeless": ("failed", 3),
        "behind_stumbles": ("done", 1),
        "behind_hopeless": ("not_done", 0),
    }
    letter = next(task["letter"] for task in as_json["tasks"] if task["letter"])
    assert f"dead-letters requeue {letter}" in ended.out
    _requeued(cli, letter)


def _requeued(cli: Cli, letter: str) -> None:
    listed = cli("dead-letters", "list")
    shown = cli("dead-letters", "show", letter)
    unknown = cli("dead-letters", "requeue", letter, "--set", "acount=1")
    requeued = cli("dead-letters", "requeue", letter, "--set", "account=2977", "--json")
    again = cli("watch", requeued.json["run_id"], "--json")
    twice = cli("dead-letters", "requeue", letter)
    left = next(task["letter"] for task in again.json["tasks"] if task["letter"])
    dropped = cli("dead-letters", "drop", left)

    assert "hopeless" in listed.out
    assert "does again" in shown.out
    assert "hopeless, behind_hopeless" in shown.out
    assert (unknown.code, "it has ['account']" in unknown.line) == (2, True)
    assert requeued.json["run_id"] == f"requeued-{letter}"
    assert [task["id"] for task in again.json["tasks"]] == ["hopeless", "behind_hopeless"]
    assert (twice.code, "was requeued already" in twice.line) == (1, True)
    assert dropped.code == 0


@pytest.mark.slow
def test_a_dossier_is_written_by_hand_and_by_plan(cli: Cli) -> None:
    """The same workers, routed by the file or by the orchestrator; another account by option."""
    by_hand = cli("orchestrate", str(EXAMPLES / "dossier.yaml"))
    planned = cli(
        "orchestrate", str(EXAMPLES / "plan-me.yaml"), "--input", "account=1708", "--json"
    )

    assert by_hand.code == 0, by_hand.err
    assert "## Dossier" in by_hand.out
    assert "Account 2977 has 86 bookings" in by_hand.out
    assert "no order of the 2 bookings of 2024-10-31 continues the balance" in by_hand.out
    assert planned.code == 0, planned.err
    assert planned.json["planned_by"] == "orchestrator"
    assert {task["worker"] for task in planned.json["tasks"]} == {
        "dossier_profile",
        "dossier_partners",
        "dossier_recurring",
        "dossier_anomalies",
        "dossier_writer",
    }
    assert planned.json["outputs"][planned.json["result"]]["account"] == "1708"


@pytest.mark.slow
def test_an_account_that_is_not_there_fails_with_its_reason(cli: Cli, tmp_path: Path) -> None:
    """The workers say so, the checkpoint asks, and a person ends it."""
    hasty = tmp_path / "dossier.yaml"
    hasty.write_text((EXAMPLES / "dossier.yaml").read_text() + "\nattempts: 1\n")
    inputs = ("--input", "account=1", "--input", f"ledger={EXAMPLES / 'ledger.csv'}")

    asked = cli("orchestrate", str(hasty), *inputs, "--id", "nobody")
    ended = cli("abort", "nobody")
    came_to = cli("watch", "nobody", "--json")

    assert asked.code == 3
    assert "the ledger has no account" in asked.err
    assert ended.code == 0
    assert (came_to.code, came_to.json["outcome"]) == (1, "aborted")
    assert [task["standing"] for task in came_to.json["tasks"]] == ["failed"] * 3 + ["not_done"] * 2


def test_a_faulty_goal_past_the_command_line_is_rejected(cli: Cli) -> None:
    """Temporal's own command line can start anything: the outcome says what is wrong."""
    circle = "goal: g\ntasks:\n- {id: a, worker: drill_worker, needs: {after: a}, give: {name: a}}"
    cli.raw_start("OrchestratorWorkflow", "circle", {"goal": circle})

    ended = cli("watch", "circle")

    assert ended.code == 1
    assert "these tasks wait for each other: 'a' needs 'a'" in ended.out
    letters = cli("dead-letters", "list", "--json").json
    assert any(letter["run_id"] == "circle" for letter in letters)


def test_a_goal_can_be_looked_at_before_it_is_started(cli: Cli, tmp_path: Path) -> None:
    """Its tasks with their workers, phases and needs; nothing is connected to."""
    looked = cli("orchestrate", str(EXAMPLES / "dossier.yaml"), "--check", "--json")

    assert looked.code == 0
    assert [task["id"] for task in looked.json["goal"]["tasks"]][-1] == "dossier"
    assert json.dumps(str(tmp_path)) not in looked.out
