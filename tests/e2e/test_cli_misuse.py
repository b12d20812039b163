"""Bad input and missing parts: one clear line, the right exit code, nothing started."""

from pathlib import Path

import pytest

from tests.e2e.cli import Cli

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("run", "nosuch", "x"), 2, "unknown agent 'nosuch'; there are"),
        (("run", "bench", " "), 2, "TASK is empty"),
        (("run", "bench", "x", "--data", "drill"), 2, "--data 'drill': expected NAME=VALUE"),
        (("run", "bench", "x", "--id", "a b"), 2, "--id 'a b': expected at most"),
        (("run", "bench", "x", "--minutes", "0"), 2, "--minutes 0: expected more than 0"),
        (("audit", "/no/such.csv"), 2, "'/no/such.csv': no such file"),
        (("audit", "/"), 2, "'/' is a directory"),
        (("audit", "postgresql://u:hunter2@h/d"), 2, "put the password into the worker's"),
        (("modify", "x"), 2, "modify needs --arguments"),
        (("list",), 1, "run `python starter.py up`"),
        (("show", "x"), 1, "run `python starter.py up`"),
        (("approve", "x"), 1, "run `python starter.py up`"),
        (("run", "bench", "x"), 1, "run `python starter.py up`"),
        (("dead-letters", "show", "x"), 1, "no dead letter 'x'"),
    ],
)
def test_it_says_what_is_wrong_in_one_line(
    alone: Cli, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """With no server and with bad input there is one line that says what to do."""
    ran = alone(*arguments)

    assert (ran.code, ran.out) == (code, "")
    assert said in ran.line
    assert "hunter2" not in ran.err


def test_with_json_an_error_is_json_too(alone: Cli) -> None:
    """A program that reads stdout finds the error there."""
    ran = alone("list", "--json")

    assert ran.code == 1
    assert ran.json["exit_code"] == 1
    assert "starter.py up" in ran.json["error"]


def test_a_ledger_with_the_wrong_columns_starts_nothing(alone: Cli, tmp_path: Path) -> None:
    """What lacks is named, with what there is, before a server is even looked for."""
    ledger = tmp_path / "ledger.csv"
    ledger.write_text("id,acct\n1,2\n")

    ran = alone("audit", str(ledger), "--map", "account_id=acct")

    assert ran.code == 2
    assert "no column for date, amount, balance; it has 'id', 'acct'" in ran.line
    assert "nothing was started" in ran.line


def test_doctor_names_what_is_missing_and_the_command(alone: Cli) -> None:
    """With no server it exits 1 and says what to run; keys are named, never shown."""
    alone.more["OPENAI_API_KEY"] = "sk-very-secret"

    ran = alone("doctor", "--json")
    told = alone("doctor")

    checks = {check["name"]: check for check in ran.json}
    assert ran.code == 1
    assert checks["Temporal server"]["mend"] == "python starter.py up"
    assert "OPENAI_API_KEY is set" in checks["model"]["found"]
    assert "very-secret" not in ran.out + ran.err + told.out + told.err


def test_an_unknown_run_is_named(cli: Cli) -> None:
    """Every command that takes a run says that there is none."""
    for command in (["show"], ["watch"], ["verify"], ["resume"], ["cancel"], ["approve"]):
        ran = cli(*command, "nosuch")

        assert (ran.code, ran.line.split(";")[0]) == (1, "error: there is no run 'nosuch'")
