"""What a repair reads of a repository: may it be repaired, and what is in its commit.

The repository is a person's. Nothing here writes to it.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

LINK: Final = "120000"
SUBMODULE: Final = "160000"
_TIMEOUT_S: Final = 120
_SAFE: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "diff.noprefix=false",
    "commit.gpgSign=false",
    "gc.auto=0",
)


class GitError(Exception):
    """Git refused; the message is its own, in one line."""


@dataclass(frozen=True)
class Entry:
    """A file of a commit: its mode (Git's, six digits) and the id of its content."""

    mode: str
    blob: str


@dataclass(frozen=True)
class Found:
    """A repository that can be repaired, or why it cannot.

    Attributes:
        top: Its working tree.
        commit: What HEAD names.
        branch: What is checked out; empty where HEAD is detached.
        notes: What a person should know of the copy.
    """

    refusal: str = ""
    top: str = ""
    commit: str = ""
    branch: str = ""
    notes: tuple[str, ...] = field(default=())


def git(
    repository: str | Path,
    *arguments: str,
    given: bytes = b"",
    env: Mapping[str, str] | None = None,
) -> bytes:
    """Run Git and return what it prints.

    Raises:
        GitError: It refused, or did not end in two minutes.
    """
    settings = [part for setting in _SAFE for part in ("-c", setting)]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, no shell
            ["git", *settings, "-C", str(repository), *arguments],  # noqa: S607
            input=given,
            env=_environment() | dict(env or {}),
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitError(f"git {arguments[0]}: {error}") from None
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        said = next((line for line in words if line.startswith(("fatal", "error"))), "")
        raise GitError(said or (words or [f"git {arguments[0]} failed"])[-1])
    return done.stdout


def _environment() -> dict[str, str]:
    """Return the worker's environment without what would turn Git to another repository."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # LC_ALL: messages are compared. OPTIONAL_LOCKS: looking must not rewrite the index.
    return kept | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


# --- looking


def look(path: str, *, allow_dirty: bool) -> Found:
    """Say whether the repository at `path` can be repaired, and from which commit.

    Args:
        path: Its working tree's top folder.
        allow_dirty: Take HEAD as it is, without what is not committed.
    """
    if not Path(path).is_dir():
        return Found(refusal=f"{path!r} is no folder; give the folder of a Git repository")
    try:
        top = git(path, "rev-parse", "--show-toplevel").decode().strip()
    except GitError as error:
        return Found(refusal=_no_repository(path, str(error)))
    if Path(top).resolve() != Path(path).resolve():
        return Found(refusal=f"{path!r} is inside the repository {top!r}; give that folder")
    try:
        commit = git(top, "rev-parse", "--verify", "HEAD^{commit}").decode().strip()
    except GitError:
        return Found(refusal=f"{path!r} has no commit yet; commit what shall be repaired first")
    dirty = _dirty(top)
    if dirty and not allow_dirty:
        more = f" and {len(dirty) - 3} more" if len(dirty) > 3 else ""  # noqa: PLR2004
        return Found(
            refusal=f"{path!r} has changes that are not committed ({', '.join(dirty[:3])}{more}); "
            "commit or stash them, or repair HEAD without them: --allow-dirty"
        )
    return Found(top=top, commit=commit, branch=_branch(top), notes=_notes(top, commit, dirty))


def _no_repository(path: str, error: str) -> str:
    if "not a git repository" in error:
        return f"{path!r} is not a Git repository; make it one with: git init, git add, git commit"
    if "must be run in a work tree" in error:
        return f"{path!r} is a bare repository; give a clone that has a working tree"
    return f"{path!r} cannot be read by Git: {error}"


def _dirty(top: str) -> list[str]:
    changed = git(top, "status", "--porcelain", "-z", "--untracked-files=normal")
    lines = changed.decode("utf-8", "replace").split("\0")
    return [line[3:] for line in lines if len(line) > 3]  # noqa: PLR2004


def _branch(top: str) -> str:
    try:
        return git(top, "symbolic-ref", "--short", "-q", "HEAD").decode().strip()
    except GitError:
        return ""


def _notes(top: str, commit: str, dirty: list[str]) -> tuple[str, ...]:
    entries = files(top, commit)
    modules = [path for path, entry in entries.items() if entry.mode == SUBMODULE]
    notes = [f"HEAD alone: {len(dirty)} changes that are not committed are left out"] * bool(dirty)
    if not _branch(top):
        notes.append(f"HEAD is detached at {commit[:12]}")
    if modules:
        notes.append(f"submodules are empty in the copy: {', '.join(modules)}")
    return tuple(notes)


def files(repository: str, commit: str) -> dict[str, Entry]:
    """Return every file of `commit` by its path."""
    listed = git(repository, "ls-tree", "-r", "-z", "--full-tree", commit)
    found: dict[str, Entry] = {}
    for line in listed.decode("utf-8", "surrogateescape").split("\0"):
        about, tab, path = line.partition("\t")
        if tab:
            mode, _, blob = about.split()
            found[path] = Entry(mode, blob)
    return found


def contents(repository: str, blobs: Sequence[str]) -> dict[str, bytes]:
    """Return what is in `blobs`, byte for byte: no filter, no line ending is changed."""
    wanted = list(dict.fromkeys(blobs))
    if not wanted:
        return {}
    answer = git(repository, "cat-file", "--batch", given="\n".join(wanted).encode() + b"\n")
    found: dict[str, bytes] = {}
    at = 0
    for blob in wanted:
        end = answer.index(b"\n", at)
        size = int(answer[at:end].split()[2])
        found[blob] = answer[end + 1 : end + 1 + size]
        at = end + size + 2
    return found
