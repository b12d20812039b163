"""Prompts have versions, a locked version says one thing, and versions can be compared."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agents import prompts as source
from agents.prompts import LockError, Version, files, locked, problems, prompt, written
from agents.registry import agents
from starter import build


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of agents with one prompt in two versions, locked."""
    own = tmp_path / "clerk" / "prompts"
    own.mkdir(parents=True)
    (own / "system.v1.md").write_text("Be kind.\n")
    (own / "system.v1.1.0.md").write_text("Be kind.\nBe short.\n")
    lock(tmp_path)
    return tmp_path


def lock(folder: Path) -> None:
    """Lock what there is."""
    locks = {file.key: file.hash for file in files(folder)}
    (folder / "prompts.lock").write_text(written(locks))


def wrong(folder: Path) -> list[str]:
    """Return what the check finds."""
    return problems(files(folder), locked(folder / "prompts.lock"))


def run(*arguments: str) -> Result:
    """Type a command."""
    return CliRunner().invoke(build(), ["prompts", *arguments])


@pytest.mark.requirement("C5.5:prompt-version")
def test_a_file_says_its_prompt_and_version(folder: Path) -> None:
    """A short version is a whole one; the newest is last, whatever the names' order."""
    (folder / "clerk" / "prompts" / "system.v1.10.0.md").write_text("Be brief.")

    found = files(folder)

    assert [file.key for file in found] == [
        "clerk/system 1.0.0",
        "clerk/system 1.1.0",
        "clerk/system 1.10.0",
    ]
    assert found[0].version == Version(1)
    assert found[0].stated == "system.v1"


@pytest.mark.requirement("C5.5:prompt-version")
def test_a_prompt_is_read_with_its_version(folder: Path) -> None:
    """Its version is what its file is called; a name without one is refused."""
    beside = str(folder / "clerk" / "spec.py")

    read = prompt(beside, "system.v1.1.0.md")

    assert (read.text, read.version) == ("Be kind.\nBe short.", "system.v1.1.0")
    for name in ("system.md", "system.v1.1.md", "system.1.0.0.md", "System.v1.0.0.md"):
        with pytest.raises(ValueError, match=r"must be named like 'system\.v1\.0\.0\.md'"):
            prompt(beside, name)


@pytest.mark.requirement("C5.5:prompt-lock")
def test_a_locked_version_does_not_change(folder: Path) -> None:
    """A changed text is named, with the file that the new one belongs into."""
    changed = folder / "clerk" / "prompts" / "system.v1.1.0.md"
    assert wrong(folder) == []

    changed.write_text("Be kind.\nBe long.\n")

    (found,) = wrong(folder)
    assert found.startswith("clerk/system 1.1.0 was changed after it was locked")
    assert found.endswith("the new one into prompts/system.v1.1.1.md")


@pytest.mark.requirement("C5.5:prompt-lock")
def test_line_ends_are_no_change_and_a_lost_or_new_version_is(folder: Path) -> None:
    """What a model reads counts; every version is there, and locked."""
    own = folder / "clerk" / "prompts"
    (own / "system.v1.1.0.md").write_bytes(b"\r\nBe kind.\r\nBe short.\r\n\r\n")
    assert wrong(folder) == []

    (own / "system.v1.md").rename(own / "system.v2.0.0.md")

    assert [each.split(" is ")[0] for each in wrong(folder)] == [
        "clerk/system 2.0.0",
        "clerk/system 1.0.0",
    ]


@pytest.mark.requirement("C5.5:prompt-lock")
def test_what_is_no_version_and_no_lock_is_refused(folder: Path) -> None:
    """One version twice, a name without a version, a broken line: each is named."""
    (folder / "prompts.lock").write_text("# ours\nclerk/system 1.0.0 md5:1\n")
    with pytest.raises(LockError, match=r"prompts\.lock:2"):
        locked(folder / "prompts.lock")

    (folder / "clerk" / "prompts" / "system.v1.0.0.md").write_text("Be kind.")
    with pytest.raises(ValueError, match=r"is version 1\.0\.0 as well"):
        files(folder)


@pytest.mark.requirement("C5.5:prompt-lock")
def test_the_command_locks_and_refuses(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new version is locked; a changed one only when that is said in so many words."""
    monkeypatch.setattr("commands.prompts.LOCK", folder / "prompts.lock")
    monkeypatch.setattr("commands.prompts.files", lambda: files(folder))
    monkeypatch.setattr("commands.prompts.locked", lambda: locked(folder / "prompts.lock"))
    own = folder / "clerk" / "prompts"
    (own / "system.v1.2.0.md").write_text("Be quick.")
    new, checked = run("lock", "--json"), run("check")
    (own / "system.v1.2.0.md").write_text("Be quicker.")
    failed, refused, amended = run("check"), run("lock"), run("lock", "--amend", "--json")

    assert json.loads(new.stdout)["locked"] == ["clerk/system 1.2.0"]
    assert (checked.exit_code, failed.exit_code, refused.exit_code) == (0, 1, 1)
    assert json.loads(amended.stdout)["amended"] == ["clerk/system 1.2.0"]
    assert run("check").exit_code == 0


@pytest.mark.requirement("C5.5:prompt-diff")
def test_versions_are_compared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last two by default, any two by name; one that is not there is refused."""
    monkeypatch.setattr("commands.prompts.files", lambda: files(folder))

    found = json.loads(run("diff", "clerk", "--json").stdout)[0]
    back = json.loads(run("diff", "clerk", "1.1.0", "1.0.0", "--json").stdout)[0]
    missing = run("diff", "clerk", "9.0.0")

    assert (found["old"], found["new"]) == ("clerk/system 1.0.0", "clerk/system 1.1.0")
    assert found["diff"][-1] == "+Be short."
    assert back["diff"][-1] == "-Be short."
    assert missing.exit_code == 2


@pytest.mark.requirement("C5.5:prompt-lock")
def test_every_shipped_agent_states_a_version_that_is_there() -> None:
    """What an agent's spec names is a file of its folder."""
    here = {(file.folder, file.stated) for file in files(source.AGENTS)}

    assert {(name, agent.prompt.version) for name, agent in agents().items()} <= here
