"""The working copy: which patches are refused, and that it is the commit and its edits."""

import stat
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agents.repair import git
from agents.repair.copy import Copy, PatchError, run_tests
from agents.repair.tools import repo_edit, repo_list, repo_read, repo_revert, repo_search, repo_test
from agents.toolkit import ToolContext, ToolError
from domain.command import CommandLimits
from domain.repair import Edit
from runtime.database import Database
from tests.workflows import broken

LIMITS = CommandLimits(seconds=20)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a program, a link, a script, and a file that is no text."""
    made = broken.repository(tmp_path / "repository", broken.OPERATOR)
    (made / "run.sh").write_text("#!/bin/sh\necho ran\n")
    (made / "run.sh").chmod(0o755)
    (made / "lines.txt").write_bytes(b"one\r\ntwo\r\n")
    (made / "picture.bin").write_bytes(b"\x00\xff\x01")
    (made / "inside").symlink_to("run.sh")
    (made / "outside").symlink_to("/etc")
    broken.git(made, "add", ".")
    broken.git(made, "commit", "-q", "-m", "More")
    return made


def copy_of(repository: Path, **more: Any) -> Copy:
    """Return the copy of a repository's HEAD."""
    return Copy(str(repository), broken.git(repository, "rev-parse", "HEAD"), **more)


OUTSIDE = (
    "../outside.py",
    "a/../../outside.py",
    "/etc/passwd",
    "/var/outside.py",
    "./prices.py",
    "a//b.py",
    "",
    ".git/config",
    ".git/hooks/pre-commit",
    ".GIT/config",
    "sub/.git/config",
    "git~1/config",
    ".git /config",
    "..\\outside.py",
    "C:/outside.py",
    "outside/passwd",
    "inside/more.py",
    "prices.py/more.py",
    "new\n.py",
    "new\x00.py",
    "a" * 400,
)


@pytest.mark.requirement("C4.7:outside")
@pytest.mark.parametrize("path", OUTSIDE)
def test_a_patch_outside_the_copy_is_refused(repository: Path, path: str) -> None:
    """Above it, absolute, Git's own, through a link: refused before anything is kept."""
    before = broken.snapshot(repository)

    with pytest.raises(PatchError):
        copy_of(repository).with_edit(Edit(path=path, old="", new="print('out')\n"))

    assert broken.snapshot(repository) == before


@pytest.mark.requirement("C4.7:outside")
def test_a_submodule_is_not_the_copys(repository: Path, tmp_path: Path) -> None:
    """Its folder is empty in the copy, it is noted, and nothing in it can be edited."""
    other = broken.repository(tmp_path / "other", {"own.py": "own = 1\n"})
    broken.git(repository, "-c", "protocol.file.allow=always", "submodule", "add", str(other), "m")
    broken.git(repository, "commit", "-q", "-m", "A submodule")
    found = git.look(str(repository), allow_dirty=False)

    with pytest.raises(PatchError, match="submodule"):
        copy_of(repository).with_edit(Edit(path="m/own.py", old="", new="own = 2\n"))

    assert found.notes == ("submodules are empty in the copy: m",)


@pytest.mark.requirement("C4.7:tests-kept")
@pytest.mark.parametrize(
    "path", ["test_prices.py", "tests/helper.py", "conftest.py", "a/x_test.py", "b.spec.ts"]
)
def test_tests_are_edited_only_where_that_is_allowed(repository: Path, path: str) -> None:
    """The way to make tests pass that mends nothing."""
    old = "import unittest" if path == "test_prices.py" else ""
    edit = Edit(path=path, old=old, new="import unittest  # mended")

    with pytest.raises(PatchError, match="is a test"):
        copy_of(repository).with_edit(edit)

    assert copy_of(repository, tests_too=True).with_edit(edit).changed()


@pytest.mark.requirement("C4.7:edits")
@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (Edit(path="prices.py", old="no such text", new="x"), "0 times"),
        (Edit(path="prices.py", old="t", new="x"), "times in"),
        (Edit(path="prices.py", old="", new="x"), "there already"),
        (Edit(path="nowhere.py", old="a", new="x"), "no file of the copy"),
        (Edit(path="picture.bin", old="a", new="x"), "no UTF-8"),
        (Edit(path="prices.py", old="net - tax", new="x" * (2 << 20)), "bytes"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(repository: Path, edit: Edit, says: str) -> None:
    """The reason tells the model what to do."""
    with pytest.raises(PatchError, match=says):
        copy_of(repository).with_edit(edit)


@pytest.mark.requirement("C4.7:edits")
def test_an_edit_keeps_the_files_line_endings(repository: Path) -> None:
    """A model writes one character at a line's end; a file that has two keeps its own."""
    copy = copy_of(repository).with_edit(Edit(path="lines.txt", old="one\ntwo", new="one\nthree"))

    assert copy.changed()["lines.txt"][1] == b"one\r\nthree\r\n"


@pytest.mark.requirement("C4.7:edits")
def test_an_edit_that_another_builds_upon_is_not_taken_back(repository: Path) -> None:
    """The later one would hang in the air."""
    first = Edit(path="new.py", old="", new="a = 1\n")
    copy = copy_of(repository).with_edit(first).with_edit(Edit(path="new.py", old="1", new="2"))

    with pytest.raises(PatchError):
        copy.without(first)

    assert copy.without(copy.edits[-1]).edits == [first]


@pytest.mark.requirement("C4.7:copy")
async def test_the_copy_is_the_commit_byte_for_byte(repository: Path, tmp_path: Path) -> None:
    """Whatever Git's settings would make of line endings; links stay inside; modes are kept."""
    broken.git(repository, "config", "core.autocrlf", "true")
    (repository / "prices.py").write_text("not committed")
    place = tmp_path / "filled"

    copy_of(repository).fill(place)

    assert (place / "prices.py").read_text() == broken.OPERATOR["prices.py"]
    assert (place / "lines.txt").read_bytes() == b"one\r\ntwo\r\n"
    assert (place / "run.sh").stat().st_mode & stat.S_IXUSR
    assert (place / "inside").readlink() == Path("run.sh")
    assert not (place / "outside").is_symlink()
    assert not (place / ".git").exists()


@pytest.mark.requirement("C4.7:copy")
async def test_what_a_test_writes_is_gone_with_its_folder(repository: Path, tmp_path: Path) -> None:
    """The next run, and the diff, know nothing of it."""
    copy = copy_of(repository).with_edit(Edit(path="prices.py", old="net - tax", new="net + tax"))
    place = tmp_path / "repairs"
    command = "cat prices.py; ls; echo 'broken =' > prices.py; touch left"

    first = await run_tests(copy, str(place), command, LIMITS)
    second = await run_tests(copy, str(place), command, LIMITS)

    assert "net + tax" in second.output
    assert first.output == second.output
    assert list(place.iterdir()) == []
    assert "broken" not in copy.diff()[0]


def context(repository: Path, database: Database, place: Path, **more: str) -> ToolContext:
    """Return what a run's tools know."""
    commit = broken.git(repository, "rev-parse", "HEAD")
    data = {"repository": str(repository), "commit": commit, "copy": uuid4().hex}
    return ToolContext(
        run_id="run",
        tenant="default",
        key=more.pop("key", "k1"),
        data={**data, "place": str(place), "test": "python -m unittest -q", **more},
        database=database.url.render_as_string(hide_password=False),
    )


def with_key(known: ToolContext, key: str) -> ToolContext:
    """Return the context of another call of the same run."""
    return ToolContext("run", "default", key, known.data, database=known.database)


MEND = {"path": "prices.py", "old": "net - tax", "new": "net + tax"}


@pytest.mark.requirement("C4.7:edits", "C4.7:recovered")
async def test_a_call_that_is_made_again_edits_once(
    repository: Path, database: Database, tmp_path: Path
) -> None:
    """The worker died after the edit was kept: the next attempt has the same key."""
    known = context(repository, database, tmp_path / "place")

    first = await repo_edit(known, MEND)
    second = await repo_edit(known, MEND)

    assert first == second == '{"path":"prices.py","edits":1}'
    assert (await repo_test(with_key(known, "k2"), {})).startswith("the tests pass")


@pytest.mark.requirement("C4.7:edits")
async def test_an_edit_is_taken_back_once(
    repository: Path, database: Database, tmp_path: Path
) -> None:
    """The copy is as before, and may be edited the same way again."""
    known = context(repository, database, tmp_path / "place")
    await repo_edit(known, MEND)

    for _ in range(2):
        assert await repo_revert(with_key(known, "k2"), MEND) == '{"path":"prices.py","edits":0}'
    failing = await repo_test(with_key(known, "k3"), {})
    with pytest.raises(ToolError, match="no edit"):
        await repo_revert(with_key(known, "k4"), MEND)
    await repo_edit(with_key(known, "k5"), MEND)

    assert failing.startswith("the tests fail: exit code")
    assert (await repo_test(with_key(known, "k6"), {})).startswith("the tests pass")


@pytest.mark.requirement("C4.7:copy")
async def test_the_tools_see_the_copy_with_its_edits(
    repository: Path, database: Database, tmp_path: Path
) -> None:
    """Listed, read with line numbers, and found."""
    known = context(repository, database, tmp_path / "place")
    await repo_edit(known, MEND)
    await repo_edit(with_key(known, "k2"), {"path": "a/new.py", "old": "", "new": "new = 1\n"})

    assert "a/new.py" in (await repo_list(known, {})).splitlines()
    assert await repo_list(known, {"folder": "a/"}) == "a/new.py"
    shown = (await repo_read(known, {"path": "prices.py", "start": 6, "lines": 1})).splitlines()
    assert shown[0] == "6\t    return net + tax"
    assert await repo_search(known, {"text": "net + tax"}) == "prices.py:6: return net + tax"
    with pytest.raises(ToolError, match="no file of the copy"):
        await repo_read(known, {"path": "../../etc/passwd"})
    with pytest.raises(ToolError, match="leaves the copy"):
        await repo_edit(with_key(known, "k3"), {"path": "../x.py", "old": "", "new": "x"})
