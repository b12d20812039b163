"""What a repair does to a repository: looks at it, and puts one commit on one new branch."""

from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.repair import RepairActivities
from agents.repair import patch
from agents.repair.commit import repo_commit, was_committed
from agents.repair.copy import Copy
from agents.repair.git import look
from agents.toolkit import ToolContext, ToolError
from domain.repair import Edit, ForgetRequest, Source
from runtime.database import Database
from tests.workflows import broken

BRANCH = "holdfast/repair-test"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a wrong operator."""
    return broken.repository(tmp_path / "repository", broken.OPERATOR)


def context(repository: Path, key: str = "k1") -> ToolContext:
    """Return what the commit's tool knows."""
    commit = broken.git(repository, "rev-parse", "HEAD")
    data = {"repository": str(repository), "commit": commit, "branch": BRANCH}
    return ToolContext(run_id="the-run", tenant="default", key=key, data=data)


def arguments(repository: Path) -> dict[str, Any]:
    """Return a repair that mends it, as a person approves it."""
    commit = broken.git(repository, "rev-parse", "HEAD")
    edit = Edit(path="prices.py", old="net - tax", new="net + tax")
    diff, tree = Copy(str(repository), commit, [edit]).diff()
    return {"branch": BRANCH, "base": commit, "tree": tree, "message": "Mend it", "diff": diff}


@pytest.mark.requirement("C4.7:untouched")
def test_a_diff_is_made_without_a_trace(repository: Path) -> None:
    """Not even an object is written into the repository."""
    before = broken.snapshot(repository)

    made = arguments(repository)

    assert "+    return net + tax" in made["diff"]
    assert broken.snapshot(repository) == before


@pytest.mark.requirement("C4.7:approved-bytes", "C4.7:untouched")
async def test_a_commit_changes_one_branch_and_nothing_else(repository: Path) -> None:
    """Index, HEAD and files are as before; hooks do not run; a second call finds the first's."""
    hook = repository / ".git" / "hooks" / "reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {repository}/hooked\n")
    hook.chmod(0o755)
    before = broken.snapshot(repository)
    asked = arguments(repository)

    assert await was_committed(context(repository)) is False
    first = await repo_commit(context(repository), asked)
    second = await repo_commit(context(repository), asked)

    after = broken.snapshot(repository)
    changed = {name for name in after if after[name] != before.get(name)}
    assert first == second
    assert await was_committed(context(repository)) is True
    assert changed == {"refs", "objects"}
    assert broken.git(repository, "rev-parse", f"{BRANCH}^{{tree}}") == asked["tree"]
    assert broken.git(repository, "rev-list", "--count", BRANCH) == "2"


@pytest.mark.requirement("C4.7:approved-bytes")
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("diff", "@@ another", "not what was tested"),
        ("diff", "", "nothing was committed"),
        ("tree", "4b825dc642cb6eb9a060e54bf8d69288fbee4904", "not what was tested"),
        ("branch", "main", "cannot be changed"),
        ("base", "HEAD~1", "cannot be changed"),
    ],
)
async def test_what_was_not_tested_is_not_committed(
    repository: Path, name: str, value: str, says: str
) -> None:
    """A diff that a person changed while approving it, for one."""
    asked = arguments(repository)
    another = asked["diff"].replace("net + tax", "net + tax + 1")
    asked[name] = another if value == "@@ another" else value

    with pytest.raises(ToolError, match=says):
        await repo_commit(context(repository), asked)

    assert broken.git(repository, "branch", "--list", "holdfast/*") == ""


@pytest.mark.requirement("C4.7:approved-bytes")
async def test_a_branch_of_somebody_else_is_left_alone(repository: Path) -> None:
    """It was made between the start and the approval."""
    broken.git(repository, "branch", BRANCH)

    with pytest.raises(ToolError, match="there already"):
        await repo_commit(context(repository), arguments(repository))

    assert patch.free_branch(str(repository), BRANCH) == f"{BRANCH}-2"


@pytest.mark.requirement("C4.7:nothing-left")
async def test_a_repair_that_did_not_end_well_takes_its_branch_back(
    repository: Path, database: Database, tmp_path: Path
) -> None:
    """The one that it made; a commit that somebody put on top stays."""
    made = RepairActivities(tmp_path, database.url.render_as_string(hide_password=False))
    source = Source(
        repository=str(repository), commit="x", copy_id="c1", place=str(tmp_path), branch=BRANCH
    )
    await repo_commit(context(repository), arguments(repository))

    asked = ForgetRequest(source=source, run_id="another-run", branch_too=True)
    await ActivityEnvironment().run(made.forget, asked)
    kept = patch.tip(str(repository), BRANCH)
    own = asked.model_copy(update={"run_id": "the-run"})
    left = await ActivityEnvironment().run(made.forget, own)

    assert kept
    assert (left, patch.tip(str(repository), BRANCH)) == ("", "")


@pytest.mark.requirement("C4.7:refused")
def test_a_repository_that_cannot_be_repaired_says_why(tmp_path: Path) -> None:
    """No folder, no repository, no commit, a folder inside, a bare one, changes."""
    plain, empty, dirty = tmp_path / "plain", tmp_path / "empty", tmp_path / "dirty"
    for folder in (plain, empty):
        folder.mkdir()
    broken.git(empty, "init", "-q")
    broken.repository(dirty, {"a/b.py": "b = 1\n"})
    broken.git(tmp_path, "clone", "-q", "--bare", str(dirty), "bare")
    (dirty / "new.py").write_text("new = 1\n")
    (dirty / "a" / "b.py").write_text("b = 2\n")
    asked = {
        "is no folder": tmp_path / "nowhere",
        "not a Git repository": plain,
        "no commit yet": empty,
        "is inside the repository": dirty / "a",
        "is a bare repository": tmp_path / "bare",
        "not committed (a/b.py, new.py)": dirty,
    }

    found = {says: look(str(path), allow_dirty=False).refusal for says, path in asked.items()}

    assert [says for says, refusal in found.items() if says not in refusal] == []


@pytest.mark.requirement("C4.7:refused")
def test_a_dirty_repository_may_be_repaired_as_head_has_it(repository: Path) -> None:
    """Detached too; both are noted."""
    broken.git(repository, "checkout", "-q", "--detach")
    (repository / "prices.py").write_text("changed")

    found = look(str(repository), allow_dirty=True)

    assert (found.refusal, found.branch) == ("", "")
    assert [note.split()[0] for note in found.notes] == ["HEAD", "HEAD"]
    assert "detached" in found.notes[1]
