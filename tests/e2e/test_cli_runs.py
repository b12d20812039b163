"""Starting runs, seeing them, and what the exit code says."""

import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cli import Cli

BENCH = '{"turns": 12, "result_bytes": 200, "latency_ms": 0}'
FIGURES = {
    "turns",
    "model_calls",
    "tool_calls",
    "repeated_model_calls",
    "history_events",
    "history_bytes",
    "bytes_by_turn",
    "continued_as_new",
    "seconds",
}

pytestmark = pytest.mark.slow


def test_a_run_answers_and_exits_0(cli: Cli) -> None:
    """`run` waits for the answer, prints it on stdout, and tells the rest on stderr."""
    ran = cli("run", "bench", BENCH, "--id", "answers")

    assert ran.code == 0, ran.err
    assert ran.out.startswith("done\n")
    assert "run answers  http" in ran.err


def test_an_id_stands_for_one_run(cli: Cli) -> None:
    """Starting the same id twice gives the closed one's result; --again starts another."""
    first = cli("run", "bench", BENCH, "--id", "twice", "--json").json

    again = cli("run", "bench", BENCH, "--id", "twice")
    anew = cli("run", "bench", BENCH, "--id", "twice", "--again")

    assert first["model_calls"] == 13
    assert "run twice had closed; this is its result" in again.err
    assert "had closed" not in anew.err
    assert cli("list", "--all", "--json").json[0]["run_id"] == "twice"


def test_bench_prints_what_a_turn_costs(cli: Cli) -> None:
    """`run bench --json` has every figure, and no model call was made twice."""
    ran = cli("run", "bench", BENCH, "--json")

    assert ran.code == 0, ran.err
    assert set(ran.json) >= FIGURES
    assert ran.json["turns"] == ran.json["tool_calls"] == 12
    assert ran.json["repeated_model_calls"] == 0
    assert len(ran.json["bytes_by_turn"]) == 1


def test_a_limit_is_an_outcome_and_exits_1(cli: Cli) -> None:
    """A run that its budget ends says which limit it was."""
    ran = cli("run", "bench", BENCH, "--steps", "3", "--id", "capped")

    shown = cli("show", "capped", "--json").json
    assert ran.code == 1
    assert "limit reached: steps" in ran.out
    assert shown["result"]["outcome"] == "limit"


def test_detached_runs_are_watched_later(cli: Cli) -> None:
    """`--detach` prints the id alone; `watch` then waits for the result."""
    started = cli("run", "bench", BENCH, "--detach", "--id", "later")

    watched = cli("watch", "later")

    assert started.out == "later\n"
    assert (watched.code, watched.out.splitlines()[0]) == (0, "done")


def test_the_chain_of_a_run_verifies_and_a_changed_event_is_named(cli: Cli, tmp_path: Path) -> None:
    """`verify` holds for the server's history and names the event that was changed in a copy."""
    cli("run", "bench", BENCH, "--id", "audited")
    exported = tmp_path / "history.json"

    history = cli.history("audited")
    changed = _change_a_result(history["events"])
    exported.write_text(json.dumps(history))

    held = cli("verify", "audited", "--json")
    broken = cli("verify", "audited", "--history", str(exported), "--json")

    assert (held.code, held.json["holds"], held.json["model_calls"]) == (0, True, 13)
    assert (broken.code, broken.json["holds"]) == (1, False)
    assert f"event {changed} " in broken.json["runs"][0]["breaks"][0]["event"]


def test_a_fork_goes_on_from_a_step(cli: Cli) -> None:
    """`fork --step N` starts another run that pays for its own steps only."""
    cli("run", "bench", BENCH, "--id", "original")

    forked = cli("fork", "original", "--step", "5", "--id", "forked")
    watched = cli("watch", "forked", "--json")

    assert forked.code == 0, forked.err
    assert watched.code == 0
    assert watched.json["turns"] == 13
    assert cli("verify", "forked").code == 0


def test_a_report_is_one_page(cli: Cli, tmp_path: Path) -> None:
    """`report --html` writes a page that loads nothing from anywhere."""
    cli("run", "bench", BENCH, "--id", "told")
    page = tmp_path / "told.html"

    ran = cli("report", "told", "--html", str(page), "--json")

    assert ran.code == 0, ran.err
    assert ran.json["bytes"] == page.stat().st_size
    assert 'src="http' not in page.read_text()


def _change_a_result(events: list[dict[str, Any]]) -> int:
    """Change a tool's result as a forger would, and return the event's number."""
    for event in events[len(events) // 2 :]:
        done = event.get("activityTaskCompletedEventAttributes", {})
        for payload in done.get("result", {}).get("payloads", []):
            value = json.loads(b64decode(payload["data"]))
            if isinstance(value, dict) and value.get("kind") == "ok":
                value["text"] = f"{value['text']} and more"
                payload["data"] = b64encode(json.dumps(value).encode()).decode()
                return int(event["eventId"])
    raise AssertionError("the history holds no tool's result")
