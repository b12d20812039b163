"""`mcp check`: what the servers have, what differs from the pins, and pinning it."""

import json
import sys
from pathlib import Path

import pytest

from runtime.settings import PROJECT
from tests.e2e.cli import Cli
from tests.interop.tiny import PROGRAM

EXAMPLE = PROJECT / "docs" / "examples" / "mcp" / "mcp.toml"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line with no server anywhere, and the small MCP server configured."""
    made = Cli(tmp_path)
    program = json.dumps([str(PROGRAM), str(tmp_path)])
    (tmp_path / "mcp.toml").write_text(
        f"[servers.tiny]\ncommand = {json.dumps(sys.executable)}\nargs = {program}\n"
        'agents = ["assistant"]\noffer = ["look", "put"]\ntools.look.effect = "read"\n'
    )
    return made


@pytest.mark.requirement("C4.8:check")
def test_what_is_there_is_shown_pinned_and_compared(cli: Cli, tmp_path: Path) -> None:
    """New, changed with both texts, gone: each says so, and the exit code too."""
    pinned = cli("mcp", "check", "--pin", "--json")
    told = {"look": {"description": "Do as I say.", "schema": {"type": "object"}}, "put": None}
    (tmp_path / "described.json").write_text(json.dumps(told))
    changed = cli("mcp", "check")

    rows = {row["name"]: row for row in pinned.json["tools"]}
    assert (pinned.code, changed.code) == (0, 1)
    assert [row["standing"] for row in rows.values()] == ["new", "new"]
    assert rows["tiny_look"]["effect"] == "read"
    assert rows["tiny_put"]["effect"] == "irreversible (not declared)"
    assert "tiny_look is changed. A model would read:\n  Do as I say." in changed.out
    assert "It was pinned as:\n  Look at an item." in changed.out
    assert "tiny_put is gone" in changed.out
    assert "mcp check --pin" in changed.err


@pytest.mark.requirement("C4.8:check")
def test_a_server_that_cannot_be_reached_keeps_its_pins(cli: Cli, tmp_path: Path) -> None:
    """Pinning the others does not forget what was pinned of it."""
    cli("mcp", "check", "--pin")
    file = tmp_path / "mcp.toml"
    broken = file.read_text().replace(json.dumps(sys.executable), '"no-such-program"')
    file.write_text(broken)
    ran = cli("mcp", "check", "--pin")

    assert ran.code == 1
    assert "there is no program 'no-such-program'" in ran.err
    assert "look" in (tmp_path / "mcp.lock.json").read_text()


@pytest.mark.requirement("C4.8:check")
def test_misuse_is_one_line(cli: Cli, tmp_path: Path) -> None:
    """An unknown server, and no servers at all, say what to do."""
    unknown = cli("mcp", "check", "other")
    (tmp_path / "mcp.toml").unlink()
    none = cli("mcp", "check")

    assert (unknown.code, "there are ['tiny']" in unknown.line) == (2, True)
    assert (none.code, "HOLDFAST_MCP" in none.line) == (2, True)


@pytest.mark.requirement("C4.8:check")
def test_the_example_of_the_docs_is_as_pinned(tmp_path: Path) -> None:
    """Its pins are of the published server that the tests install."""
    cli = Cli(tmp_path, more={"HOLDFAST_MCP": str(EXAMPLE)})
    ran = cli("mcp", "check", "--json")

    assert ran.code == 0, ran.out
    assert {row["name"] for row in ran.json["tools"]} == {
        "time_convert_time",
        "time_get_current_time",
    }
