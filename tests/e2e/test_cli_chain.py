"""Chains from the command line."""

from pathlib import Path

import pytest

from tests.e2e.cli import Cli

EXAMPLE = Path("docs/examples/chain")
STEPS = str(EXAMPLE / "notes.yaml")
GIVEN = str(EXAMPLE / "changes.yaml")


@pytest.mark.slow
@pytest.mark.requirement("C4.6:sequence", "C4.6:tokens")
def test_the_example_runs_offline(cli: Cli) -> None:
    """Typed answer, a row a step, tokens handed on against tokens produced; the same in JSON."""
    ran = cli("chain", STEPS, GIVEN, "--id", "chain-example")
    again = cli("chain", STEPS, GIVEN, "--id", "chain-example", "--json")

    assert ran.code == again.code == 0, ran.err
    assert "summarised from" in ran.out
    assert "tokens produced" in ran.out
    assert set(again.json["answer"]) == {"title", "paragraph"}
    assert [step["name"] for step in again.json["steps"]] == ["read", "sort", "write"]
    assert 0 < again.json["handed_tokens"] < again.json["produced_tokens"]


@pytest.mark.requirement("C4.6:refused")
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("steps:", "stepps:", "stepps"),
        ("- name: read", "- name: read\n    name: twice", "twice"),
        ("take:", "takes:", "takes"),
        ("of: read.sentences", "of: read.sentence", "read.sentence"),
        ("type: array", "type: lizard", "lizard"),
        ("    input:\n", "    input: 3\n    other:\n", "input"),
        ("title: release-notes", "title: [", "line"),
    ],
)
def test_a_file_that_is_wrong_starts_nothing(
    alone: Cli, tmp_path: Path, old: str, new: str, says: str
) -> None:
    """Exit code 2 and one line that names it; no server is needed to say so."""
    text = Path(STEPS).read_text(encoding="utf-8")
    assert old in text
    wrong = tmp_path / "steps.yaml"
    wrong.write_text(text.replace(old, new, 1), encoding="utf-8")

    ran = alone("chain", str(wrong), GIVEN)

    assert ran.code == 2
    assert says in ran.line
    assert "nothing was started" in ran.line


@pytest.mark.requirement("C4.6:refused")
def test_an_input_that_is_wrong_starts_nothing(alone: Cli, tmp_path: Path) -> None:
    """No file, no JSON, a field that is missing, bytes that are no text, text without a place."""
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "half.json").write_text('{"changes": ')
    (tmp_path / "less.json").write_text('{"changes": "a"}')
    (tmp_path / "latin.txt").write_bytes(b"\xe9t\xe9")
    (tmp_path / "plain.txt").write_text("a change")
    asked = {
        "nowhere.json": "no such file",
        "list.json": "no JSON object",
        "half.json": "not JSON",
        "less.json": "'version' is a required property",
        "latin.txt": "not UTF-8",
        "plain.txt": "2 fields",
    }

    found = {name: alone("chain", STEPS, str(tmp_path / name)) for name in asked}

    assert {each.code for each in found.values()} == {2}
    assert [name for name, says in asked.items() if says not in found[name].line] == []


@pytest.mark.requirement("C4.6:origin")
def test_a_chain_can_be_checked_without_a_server(alone: Cli) -> None:
    """Each step, and where each of its fields comes from."""
    ran = alone("chain", STEPS, GIVEN, "--check")

    assert ran.code == 0
    assert "sentences (read.sentences)" in ran.out
    assert "version (input.version)" in ran.out
