"""What waits for a person: questions, stops, failed runs, refused inputs."""

import json
from pathlib import Path

import pytest

from agents.drill.place import Place
from tests.e2e.cli import Cli

BENCH = '{"turns": 3, "result_bytes": 200, "latency_ms": 0}'

pytestmark = pytest.mark.slow


def _drill(cli: Cli, folder: Path, run_id: str, *calls: tuple[str, str], held: str = "") -> Place:
    """Start a drill that makes `calls`, one a turn, and do not wait for it."""
    place = Place.made(folder)
    if held:
        place.hold(held)
    task = {"drill": str(folder), "steps": [[call] for call in calls]}
    data = f"drill={folder}"
    ran = cli("run", "drill", json.dumps(task), "--data", data, "--id", run_id, "--detach")
    assert ran.code == 0, ran.err
    return place


def test_a_question_exits_3_and_an_approval_lets_it_go_on(cli: Cli, tmp_path: Path) -> None:
    """A run that asks is shown as a form; the approval says who, and the run ends well."""
    place = _drill(cli, tmp_path / "place", "asks", ("drill_wire", "a"))

    watched = cli("watch", "asks")
    listed = cli("approvals", "--json").json
    approved = cli("approve", "asks", "--reason", "checked", "--by", "ada", "--json")
    ended = cli("watch", "asks", "--json")

    assert watched.code == 3
    assert "run drill_wire" in watched.err
    assert [row["question"]["arguments"] for row in listed if row["run_id"] == "asks"] == [
        {"item": "a"}
    ]
    assert (approved.code, approved.json["by"]) == (0, "ada")
    assert (ended.code, ended.json["decisions"][0]["reason"]) == (0, "checked")
    assert [line["item"] for line in place.lines() if line["what"] == "effect"] == ["a"]


def test_an_answer_that_cannot_count_says_why(cli: Cli, tmp_path: Path) -> None:
    """Unusable arguments, another question's id and a second answer change nothing."""
    place = _drill(cli, tmp_path / "place", "picky", ("drill_wire", "a"))
    assert cli("watch", "picky").code == 3

    unfit = cli("modify", "picky", "--arguments", '{"itm": 1}')
    not_json = cli("modify", "picky", "--arguments", "item=1")
    other = cli("approve", "picky", "--approval-id", "another")
    modified = cli("modify", "picky", "--arguments", '{"item": "b"}')
    ended = cli("watch", "picky")
    late = cli("approve", "picky")

    assert (unfit.code, "'item' is a required property" in unfit.line) == (1, True)
    assert (not_json.code, "is not JSON" in not_json.line) == (2, True)
    assert (other.code, "the open question is" in other.line) == (1, True)
    assert (modified.code, ended.code) == (0, 0)
    assert (late.code, "has closed" in late.line) == (1, True)
    assert [line["item"] for line in place.lines() if line["what"] == "effect"] == ["b"]


def test_a_stopped_run_exits_3_and_retry_takes_it_up(cli: Cli) -> None:
    """A refused key stops the run; mended, `retry` goes on and nothing is lost."""
    cli.misbehave("unauthorized,agent=bench")
    stopped = cli("run", "bench", BENCH, "--id", "stops")
    skipped = cli("skip", "stops")
    cli.misbehave()

    retried = cli("retry", "stops")
    ended = cli("watch", "stops")

    assert (stopped.code, "stopped at llm.think" in stopped.err) == (3, True)
    assert (skipped.code, "cannot be answered by skip" in skipped.line) == (1, True)
    assert (retried.code, ended.code) == (0, 0)


def test_an_aborted_run_says_who_and_exits_1(cli: Cli) -> None:
    """`abort` ends a stopped run; its result names the person."""
    cli.misbehave("unauthorized,agent=bench")
    cli("run", "bench", BENCH, "--id", "ends")
    cli.misbehave()

    aborted = cli("abort", "ends", "--by", "ada")
    ended = cli("watch", "ends", "--json")

    assert aborted.code == 0
    assert (ended.code, ended.json["outcome"]) == (1, "aborted")
    assert "ada" in ended.json["reason"]


def test_a_cancelled_run_closes(cli: Cli, tmp_path: Path) -> None:
    """`cancel` ends a run that works; a second one says that it has closed."""
    place = _drill(cli, tmp_path / "place", "gone", ("drill_look", "a"), held="a")

    cancelled = cli("cancel", "gone")
    place.release()
    ended = cli("watch", "gone")
    again = cli("cancel", "gone")

    assert (cancelled.code, ended.code) == (0, 1)
    assert (again.code, "has closed already" in again.line) == (1, True)


def test_a_failed_run_resumes_where_it_failed(cli: Cli, tmp_path: Path) -> None:
    """`resume` keeps what was done: the effect before the failure happens once."""
    place = _drill(
        cli, tmp_path / "place", "fails", ("drill_pay", "a"), ("drill_look", "b"), held="b"
    )
    while not any(line.get("item") == "b" for line in place.lines()):
        pass
    cli.terminate("fails")
    place.release()

    resumed = cli("resume", "fails", "--json")
    ended = cli("watch", "fails")
    again = cli("resume", "fails")

    assert resumed.code == 0, resumed.err
    assert ended.code == 0, ended.err
    assert (again.code, "nothing to resume" in again.line) == (1, True)
    effects = [line["item"] for line in place.lines() if line["what"] == "effect"]
    assert effects == ["a"]


def test_a_refused_input_is_requeued_mended_or_dropped(cli: Cli) -> None:
    """An unknown agent goes to the dead letters; mended it runs, and a letter counts once."""
    cli.raw_start("AgentWorkflow", "refused", {"agent": "nobody", "task": "x"})
    refused = cli("watch", "refused")
    letter = next(
        row for row in cli("dead-letters", "list", "--json").json if row["run_id"] == "refused"
    )

    shown = cli("dead-letters", "show", letter["id"])
    mended = json.dumps({"agent": "bench", "task": BENCH})
    requeued = cli("dead-letters", "requeue", letter["id"], "--input", mended, "--json")
    ended = cli("watch", requeued.json["run_id"])
    dropped = cli("dead-letters", "drop", letter["id"])

    assert (refused.code, "there is no agent 'nobody'" in refused.out) == (1, True)
    assert "there is no agent 'nobody'" in shown.out
    assert ended.code == 0, ended.err
    assert (dropped.code, "was requeued already" in dropped.line) == (1, True)
