"""`halt`, `unhalt`, `halts`, and what a run's prompt was, as people type it."""

import pytest

from tests.e2e.cli import Cli

TASK = '{"turns": 2, "result_bytes": 200, "latency_ms": 0}'

pytestmark = pytest.mark.slow


@pytest.mark.requirement("C5.6:halt-model", "C5.6:halt-audit", "C5.5:prompt-diff")
def test_a_halted_tenants_run_waits_and_goes_on_when_told(cli: Cli) -> None:
    """`run` says that it waits, why, and what lifts it; `unhalt` tells it; all is on record."""
    by = ("--reason", "too many", "--by", "olga")
    halted = cli("halt", "tenant", "wild", *by)
    again = cli("halt", "tenant", "wild", "--json").json
    ran = cli("run", "bench", TASK, "--id", "held", "--tenant", "wild")
    listed = [halt["name"] for halt in cli("halts", "--json").json]
    counted = cli("halt", "tenant", "wild", "--json").json

    lifted = cli("unhalt", "tenant", "wild", "--json").json
    cli("watch", "held")
    shown = cli("show", "held", "--json").json
    kept = cli("halts", "--all", "--json").json

    assert (halted.code, ran.code) == (0, 3), halted.err + ran.err
    assert "tenant 'wild' is halted" in halted.out
    assert (again["new"], again["halt"]["by"], counted["open_runs"]) == (False, "olga", 1)
    assert "halted before llm.think" in ran.err
    assert "python starter.py unhalt tenant wild" in ran.err
    assert "wild" in listed
    assert lifted["told"] == ["held"]
    result = shown["result"]
    assert (result["outcome"], len(result["decisions"])) == ("completed", 2)
    assert [halt["lifted_by"] for halt in kept if halt["name"] == "wild"] != [""]

    same = cli("prompts", "diff", "held")
    assert (same.code, "say the same" in same.out) == (0, True), same.err


@pytest.mark.requirement("C5.6:halt-scope")
def test_a_halt_needs_no_server(alone: Cli) -> None:
    """The switch is thrown and lifted where no server answers; names are looked at."""
    thrown = alone("halt", "all")
    listed = alone("halts")
    empty = alone("halt", "agent", " ")
    other = alone("unhalt", "agent", "refunds")
    lifted = alone("unhalt", "all")

    assert (thrown.code, lifted.code) == (0, 0), thrown.err + lifted.err
    assert "it holds, but no run could be asked or told" in thrown.err
    assert "everything" in listed.out
    assert (empty.code, other.code) == (2, 1)
    assert other.line == "error: agent 'refunds' is not halted as such; halted: everything"
    assert alone("halts").out == ""
