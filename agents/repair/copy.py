"""The working copy of a repair: a commit and the edits made to it, never a person's folder.

It is computed, not kept: files come from Git's objects byte for byte, edits from the journal. A
folder is filled only for a command to run in, and removed after it, so that nothing a test
writes gets into the patch, and a copy that is lost is made again.
"""

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import Final

from agents.confine.run import run
from agents.repair import git, patch
from agents.repair.git import LINK, SUBMODULE, Entry
from domain.command import CommandLimits, CommandRun
from domain.repair import Edit, without_last

_TREE: Final = "tree"
_PLAIN: Final = "100644"
_EXECUTABLE: Final = "100755"
_MOST_PATH: Final = 300
_MOST_FILE: Final = 1 << 20  # bytes of a file that an edit may make
# Git's own list of what must never be a path in a tree: other spellings of .git.
_GIT_NAMES: Final = re.compile(r"\.git|git~\d+|\.git[ .]+", re.IGNORECASE)
_TESTS: Final = ("test_*", "*_test.*", "*.test.*", "*_spec.*", "*.spec.*", "conftest.py")
_TEST_FOLDERS: Final = ("test", "tests", "spec", "specs", "__tests__")


class PatchError(ValueError):
    """An edit that is not made; the model is told why."""


@dataclass(frozen=True)
class Copy:
    """A commit and its edits.

    Attributes:
        repository: Where the commit's objects are.
        commit: Its id.
        edits: In order.
        tests_too: Whether tests may be edited.
    """

    repository: str
    commit: str
    edits: Sequence[Edit] = ()
    tests_too: bool = False

    def files(self) -> dict[str, Entry]:
        """Return the commit's files."""
        return git.files(self.repository, self.commit)

    def changed(self) -> dict[str, tuple[str, bytes]]:
        """Return mode and content of every file that the edits change, by path.

        Raises:
            PatchError: They do not fit upon one another.
        """
        entries = self.files()
        paths = {edit.path for edit in self.edits}
        blobs = {path: entries[path].blob for path in paths & entries.keys()}
        had = git.contents(self.repository, list(blobs.values()))
        now: dict[str, bytes] = {path: had[blob] for path, blob in blobs.items()}
        for edit in self.edits:
            self._check(edit.path, entries)
            now[edit.path] = _edited(edit, now.get(edit.path))
        return {
            path: (entries[path].mode if path in entries else _PLAIN, content)
            for path, content in now.items()
            if path not in blobs or content != had[blobs[path]]
        }

    def with_edit(self, edit: Edit) -> "Copy":
        """Return the copy with one more edit.

        Raises:
            PatchError: It does not fit, or is none of the copy's business.
        """
        more = Copy(self.repository, self.commit, (*self.edits, edit), self.tests_too)
        more.changed()
        return more

    def without(self, edit: Edit) -> "Copy":
        """Return the copy without the last edit that is like `edit`.

        Raises:
            PatchError: There is none, or a later one builds upon it.
        """
        left = list(self.edits)
        if not without_last(left, edit):
            raise PatchError(f"no edit of {edit.path!r} with this old and new text was made")
        fewer = Copy(self.repository, self.commit, left, self.tests_too)
        fewer.changed()
        return fewer

    def read(self, path: str) -> str:
        """Return a file's text.

        Raises:
            PatchError: It is not in the copy, or no text.
        """
        changed = self.changed()
        if path in changed:
            return changed[path][1].decode()
        entry = self.files().get(path)
        if entry is None or entry.mode in {LINK, SUBMODULE}:
            raise PatchError(f"{path!r} is no file of the copy; repo_list shows those there are")
        return _text(path, git.contents(self.repository, [entry.blob])[entry.blob])

    def texts(self) -> dict[str, str]:
        """Return every file that is text and not too long to search, by path."""
        entries = {p: e for p, e in self.files().items() if e.mode in {_PLAIN, _EXECUTABLE}}
        had = git.contents(self.repository, [entry.blob for entry in entries.values()])
        raw = {path: had[entry.blob] for path, entry in entries.items()}
        raw |= {path: content for path, (_, content) in self.changed().items()}
        found: dict[str, str] = {}
        for path, content in sorted(raw.items()):
            if len(content) <= _MOST_FILE and b"\0" not in content:
                found[path] = content.decode("utf-8", "replace")
        return found

    def diff(self) -> tuple[str, str]:
        """Return the edits as a diff, and the tree that they give."""
        return patch.diff(self.repository, self.commit, self.changed())

    def _check(self, path: str, entries: Mapping[str, Entry]) -> None:
        """Refuse a path that leaves the copy, in whatever spelling."""
        if wrong := _outside(path):
            raise PatchError(
                f"{path[:_MOST_PATH]!r} {wrong}; a patch changes files of the copy only"
            )
        above = [str(parent) for parent in PurePosixPath(path).parents]
        for each in (path, *above):
            if each in entries and entries[each].mode == LINK:
                raise PatchError(f"{path!r} goes through the symbolic link {each!r}")
            if each in entries and entries[each].mode == SUBMODULE:
                raise PatchError(f"{path!r} is in the submodule {each!r}, which is not the copy's")
        if any(each in entries for each in above):
            raise PatchError(f"{path!r} is below a file")
        if not self.tests_too and _is_test(path):
            raise PatchError(
                f"{path!r} is a test; the code is to be mended, not what it is measured by "
                "(whoever starts the repair may allow it: --edit-tests)"
            )

    # --- for commands

    def fill(self, folder: Path) -> None:
        """Write the copy into a new folder."""
        folder.mkdir()
        entries, changed = self.files(), self.changed()
        had = git.contents(
            self.repository, [e.blob for e in entries.values() if e.mode != SUBMODULE]
        )
        for path, entry in entries.items():
            if path in changed:
                continue
            if entry.mode == SUBMODULE:
                (folder / path).mkdir(parents=True, exist_ok=True)
            elif entry.mode == LINK:
                _write_link(folder, path, had[entry.blob])
            else:
                _write(folder, path, entry.mode, had[entry.blob])
        for path, (mode, content) in changed.items():
            _write(folder, path, mode, content)


def _edited(edit: Edit, before: bytes | None) -> bytes:
    """Return a file's content after `edit`; it replaces a text that is there exactly once."""
    if before is None:
        if edit.old:
            raise PatchError(f"{edit.path!r} is no file of the copy; to make it, leave `old` empty")
        return edit.new.encode()
    text = _text(edit.path, before)
    if not edit.old:
        raise PatchError(f"{edit.path!r} is there already; give the text to replace as `old`")
    old, new = edit.old, edit.new
    if "\r\n" in text and "\r\n" not in old:
        old, new = old.replace("\n", "\r\n"), new.replace("\n", "\r\n")
    times = text.count(old)
    if times != 1:
        raise PatchError(
            f"`old` is {times} times in {edit.path!r}, expected once; give more of its lines, "
            "exactly as repo_read shows them after the line number"
        )
    after = text.replace(old, new).encode()
    if len(after) > _MOST_FILE:
        raise PatchError(f"{edit.path!r} would have {len(after)} bytes; {_MOST_FILE} are allowed")
    return after


def _text(path: str, content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise PatchError(f"{path!r} is no UTF-8 text") from None
    if "\0" in text:
        raise PatchError(f"{path!r} is binary")
    return text


def _outside(path: str) -> str:
    """Return why `path` is not one of the copy's, in words; empty for one that is."""
    if not path or len(path) > _MOST_PATH:
        return f"has {len(path)} characters, expected 1 to {_MOST_PATH}"
    if path.startswith("/") or "\\" in path or re.match(r"[A-Za-z]:", path):
        return "is not relative to the copy"
    if any(ord(character) < 32 or ord(character) == 127 for character in path):  # noqa: PLR2004
        return "has control characters"
    parts = path.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return "leaves the copy, or could"
    if any(_GIT_NAMES.fullmatch(part) for part in parts):
        return "is Git's own"
    return "" if path.isprintable() else "has characters that cannot be shown"


def _is_test(path: str) -> bool:
    *folders, name = path.split("/")
    return any(fnmatch(name, each) for each in _TESTS) or any(
        folder in _TEST_FOLDERS for folder in folders
    )


def _write(folder: Path, path: str, mode: str, content: bytes) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    if mode == _EXECUTABLE:
        target.chmod(0o755)


def _write_link(folder: Path, path: str, target: bytes) -> None:
    """Make a link that stays in the copy; one that leaves it is left out."""
    to = target.decode("utf-8", "surrogateescape")
    reached = os.path.normpath(f"{Path(path).parent}/{to}")
    if to.startswith("/") or reached.startswith(".."):
        return
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).symlink_to(to)


async def run_tests(
    copy: Copy, place: str, command: str, limits: CommandLimits, readable: Sequence[str] = ()
) -> CommandRun:
    """Run `command` in a folder filled with `copy`, confined; the folder is removed after it.

    Args:
        copy: What it runs on.
        place: Folder that the folder is made in.
        command: The test command.
        limits: What it may use.
        readable: More that it may read.
    """
    async with _filled(copy, place) as folder:
        tree = folder / _TREE
        return await run(command, cwd=tree, folder=folder, limits=limits, readable=readable)


@asynccontextmanager
async def _filled(copy: Copy, place: str) -> AsyncGenerator[Path]:
    await asyncio.to_thread(Path(place).mkdir, parents=True, exist_ok=True)
    folder = Path(await asyncio.to_thread(mkdtemp, dir=place, prefix="run-"))
    try:
        await asyncio.to_thread(copy.fill, folder / _TREE)
        yield folder
    finally:
        # A worker that is killed here leaves the folder; the repair's end removes the place.
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def limits_of(text: str) -> CommandLimits:
    """Return the limits that a run's data carries."""
    return CommandLimits.model_validate(json.loads(text)) if text else CommandLimits()
