"""A repair as Git has it: a diff, the tree that it gives, a commit on a new branch.

Nothing here touches the working tree, the index, HEAD or the hooks of the repository; until a
commit is approved nothing is written into it at all.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from agents.repair.git import GitError, git

KEY: Final = "Holdfast-Key"
RUN: Final = "Holdfast-Run"
_NAME: Final = "Holdfast"
_MAIL: Final = "holdfast@localhost"


def diff(repository: str, commit: str, changed: Mapping[str, tuple[str, bytes]]) -> tuple[str, str]:
    """Return the diff that makes `changed` of `commit`, and the id of the tree it gives.

    Args:
        repository: Is not written to: new objects go into a folder that is removed.
        commit: What is changed.
        changed: Mode and whole content by path.
    """
    with TemporaryDirectory(prefix="holdfast-git-") as folder:
        env = _apart(repository, folder)
        git(repository, "read-tree", commit, env=env)
        for path, (mode, content) in changed.items():
            blob = git(repository, "hash-object", "-w", "--stdin", given=content, env=env)
            info = f"{mode},{blob.decode().strip()},{path}"
            git(repository, "update-index", "--add", "--cacheinfo", info, env=env)
        tree = git(repository, "write-tree", env=env).decode().strip()
        told = git(repository, "diff-tree", *_PLAIN_DIFF, commit, tree, env=env)
    return told.decode("utf-8", "replace"), tree


_PLAIN_DIFF: Final = (
    "-p",
    "-r",
    "--full-index",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)


def _apart(repository: str, folder: str) -> dict[str, str]:
    """Return an environment in which Git reads `repository` and writes to `folder`."""
    objects = Path(folder) / "objects"
    objects.mkdir(exist_ok=True)
    known = git(repository, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    return {
        "GIT_INDEX_FILE": str(Path(folder) / "index"),
        "GIT_OBJECT_DIRECTORY": str(objects),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": known.decode().strip(),
    }


def tree_of(repository: str, base: str, patch: str, *, keep: bool = False) -> str:
    """Return the id of the tree that `patch` makes of `base`.

    Args:
        repository: Is written to only if `keep`.
        base: A commit.
        patch: A diff.
        keep: Leave the tree in the repository, for a commit.

    Raises:
        GitError: The diff does not fit.
    """
    with TemporaryDirectory(prefix="holdfast-git-") as folder:
        env = _apart(repository, folder)
        if keep:
            env = {"GIT_INDEX_FILE": env["GIT_INDEX_FILE"]}
        git(repository, "read-tree", base, env=env)
        given = patch.encode()
        git(repository, "apply", "--cached", "--whitespace=nowarn", "-", given=given, env=env)
        return git(repository, "write-tree", env=env).decode().strip()


def commit_on(repository: str, branch: str, base: str, tree: str, message: str) -> str:
    """Put `tree` on a branch that does not exist yet, on top of `base`; return the commit.

    Raises:
        GitError: The branch is there already.
    """
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", _NAME), ("EMAIL", _MAIL))
    }
    made = git(repository, "commit-tree", tree, "-p", base, given=message.encode(), env=who)
    commit = made.decode().strip()
    git(repository, "update-ref", f"refs/heads/{branch}", commit, "")
    return commit


def tip(repository: str, branch: str) -> str:
    """Return the commit that `branch` names; empty where there is no such branch."""
    try:
        name = f"refs/heads/{branch}^{{commit}}"
        return git(repository, "rev-parse", "--verify", "-q", name).decode().strip()
    except GitError:
        return ""


def trailers(repository: str, commit: str) -> dict[str, str]:
    """Return which run made `commit`, and with which key; empty for another's commit."""
    message = git(repository, "log", "-1", "--format=%B", commit).decode("utf-8", "replace")
    # The last two lines are ours; what a model wrote stands above them.
    pairs = (line.partition(": ") for line in message.strip().splitlines()[-2:])
    return {name: value for name, _, value in pairs if name in {KEY, RUN}}


def free_branch(repository: str, wanted: str) -> str:
    """Return `wanted`, or what it is called where that branch is there already."""
    number, branch = 1, wanted
    while tip(repository, branch):
        number += 1
        branch = f"{wanted}-{number}"
    return branch


def remove_branch(repository: str, branch: str, commit: str) -> None:
    """Remove `branch` if it still names `commit`."""
    git(repository, "update-ref", "-d", f"refs/heads/{branch}", commit)
