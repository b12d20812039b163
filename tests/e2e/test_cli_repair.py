"""Repairs from the command line."""

from base64 import b64decode
from pathlib import Path
from typing import Any, cast

import pytest

from tests.e2e.cli import Cli
from tests.workflows import broken

EXAMPLE = Path("docs/examples/repair")


@pytest.mark.slow
@pytest.mark.requirement("C4.7:repaired", "C4.7:says-confined")
def test_the_example_is_repaired_once_approved(cli: Cli, tmp_path: Path) -> None:
    """Exit code 3 with the diff; approved, the branch is there and says how to look at it."""
    files = {path.name: path.read_text(encoding="utf-8") for path in EXAMPLE.glob("*.py")}
    repository = broken.repository(tmp_path / "stock", files)
    asked = ("repair", str(repository), "--test", broken.TEST, "--id", "repair-example")

    waits = cli(*asked)
    approved = cli("approve", "repair-example", "--reason", "looks right")
    watched = cli("watch", "repair-example")
    kept = cli(*asked, "--json")

    assert waits.code == 3, waits.err
    assert "+    return sum(count * price" in waits.out
    assert "confined" in waits.out
    assert approved.code == 0
    assert "holdfast/repair-example" in watched.out
    assert kept.code == 0
    assert (kept.json["verdict"], kept.json["confined"]["how"] != []) == ("repaired", True)
    shown = broken.git(repository, "show", "--format=%B", "holdfast/repair-example")
    assert "Holdfast-Run: repair-example" in shown
    assert "+    return sum(count * price" in shown


@pytest.mark.slow
@pytest.mark.requirement("C4.7:outside", "C4.7:nothing-left")
def test_a_model_that_reaches_outside_is_refused(cli: Cli, tmp_path: Path) -> None:
    """The stand-in is told to make up edits of files that are not the copy's: all are refused."""
    repository = broken.repository(tmp_path / "home" / "prices", broken.OPERATOR)
    before = broken.snapshot(repository)

    cli.misbehave("invent_finding,agent=repair,rate=1")
    try:
        asked = ("repair", str(repository), "--test", broken.TEST, "--rounds", "1", "--json")
        ran = cli(*asked, "--steps", "12", "--id", "reaches-out")
    finally:
        cli.misbehave()

    assert ran.code == 1
    assert (ran.json["outcome"], ran.json["diff"]) == ("limit", "")
    assert "files of the copy only" in _payloads(cli.history("reaches-out/round-1"))
    assert broken.snapshot(repository) == before
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["prices"]


@pytest.mark.requirement("C4.7:refused")
def test_what_cannot_be_repaired_starts_nothing(alone: Cli, tmp_path: Path) -> None:
    """Exit code 2 and the reason; no server is needed to say so."""
    dirty = broken.repository(tmp_path / "dirty", broken.OPERATOR)
    (dirty / "prices.py").write_text("changed")
    asked = {
        "no folder": ("repair", str(tmp_path / "nowhere"), "--test", "true"),
        "not a Git repository": ("repair", str(tmp_path), "--test", "true"),
        "--allow-dirty": ("repair", str(dirty), "--test", "true"),
        "no test command": ("repair", str(dirty), "--test", " "),
    }

    found = {says: alone(*arguments) for says, arguments in asked.items()}

    assert {each.code for each in found.values()} == {2}
    assert [says for says, each in found.items() if says not in each.line] == []


def _payloads(history: Any) -> str:
    """Return all that a history holds of values, as text."""
    if isinstance(history, dict):
        found = cast("dict[str, Any]", history)
        data = found.get("data")
        own = b64decode(data).decode("utf-8", "replace") if isinstance(data, str) else ""
        return own + "".join(_payloads(each) for each in found.values())
    if isinstance(history, list):
        return "".join(_payloads(each) for each in cast("list[Any]", history))
    return ""
