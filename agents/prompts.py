"""Prompts as files with versions, and the lock that holds each version to its text.

A version, once it is locked, says one thing for ever: a changed text needs a new file. Old files
stay, so that what a run was told can be read and compared.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

AGENTS: Final = Path(__file__).parent
LOCK: Final = AGENTS / "prompts.lock"
_FILE: Final = re.compile(r"([a-z][a-z0-9_]*)\.v(\d+)(?:\.(\d+)\.(\d+))?\.md")
_LINE: Final = re.compile(r"(\S+) (\S+) sha256:([0-9a-f]{64})")
_HEADER: Final = (
    "# What each version of a prompt says, as the hash of its text. A locked version does not",
    "# change: a changed text needs a new file. Written by `python starter.py prompts lock`.",
)


class Version(NamedTuple):
    """A prompt's version: another meaning, another behaviour, other words."""

    major: int
    minor: int = 0
    patch: int = 0

    def __str__(self) -> str:
        """Return it as people write it."""
        return f"{self.major}.{self.minor}.{self.patch}"


class LockError(ValueError):
    """The lock file cannot be read; names the line."""


@dataclass(frozen=True)
class Prompt:
    """A prompt file and its version, both from the file's name: `system.v1.0.0.md`."""

    text: str
    version: str


@dataclass(frozen=True)
class PromptFile:
    """One version of one prompt.

    Attributes:
        folder: The agent's, or of what else has prompts.
        name: What the prompt is for: `system`, `critic`.
        hash: SHA-256 of the text as a model reads it, in hex.
    """

    folder: str
    name: str
    version: Version
    path: Path
    text: str
    hash: str

    @property
    def prompt(self) -> str:
        """Which prompt it is a version of: `refunds/system`."""
        return f"{self.folder}/{self.name}"

    @property
    def key(self) -> str:
        """What it is locked under: `refunds/system 1.0.0`."""
        return f"{self.prompt} {self.version}"

    @property
    def stated(self) -> str:
        """The version as a spec that was made from the file states it: `system.v1.0.0`."""
        return self.path.name.removesuffix(".md")


def prompt(beside: str, name: str) -> Prompt:
    """Read `prompts/<name>` beside the file `beside` (pass `__file__`).

    Raises:
        ValueError: The name carries no version.
    """
    _parsed(name)
    text = (Path(beside).parent / "prompts" / name).read_text(encoding="utf-8")
    return Prompt(text.strip(), name.removesuffix(".md"))


def files(agents: Path = AGENTS) -> list[PromptFile]:
    """Return every version of every prompt, oldest first in each.

    Raises:
        ValueError: A file in a folder `prompts` carries no version, or one that another has.
    """
    found: dict[str, PromptFile] = {}
    for path in sorted(agents.glob("*/prompts/*.md")):
        file = _file(path)
        if (other := found.setdefault(file.key, file)) is not file:
            raise ValueError(f"{path}: {other.path.name} is version {file.version} as well")
    return sorted(found.values(), key=lambda file: (file.prompt, file.version))


def locked(lock: Path = LOCK) -> dict[str, str]:
    """Return the hashes that versions are held to, by `PromptFile.key`.

    Raises:
        LockError: A line is none of ours.
    """
    if not lock.exists():
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(lock.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        parsed = _LINE.fullmatch(line)
        if parsed is None:
            raise LockError(
                f"{lock}:{number}: {line!r} is no lock of a prompt; expected "
                "`agent/prompt 1.0.0 sha256:…`; restore the file from version control"
            )
        found[f"{parsed[1]} {parsed[2]}"] = parsed[3]
    return found


def problems(files: Iterable[PromptFile], locks: Mapping[str, str]) -> list[str]:
    """Return what breaks the promise that a version says one thing, a sentence each."""
    here = {file.key: file for file in files}
    found = [_problem(file, locks.get(file.key)) for file in here.values()]
    gone = [
        f"{key} is locked and its file is gone: restore it, so that runs of before can be read"
        for key in locks.keys() - here.keys()
    ]
    return [*filter(None, found), *sorted(gone)]


def written(locks: Mapping[str, str]) -> str:
    """Return the lock file's text."""
    lines = [f"{key} sha256:{locks[key]}" for key in sorted(locks)]
    return "\n".join([*_HEADER, *lines]) + "\n"


def next_name(file: PromptFile) -> str:
    """Return the file name that a changed text may have: the next patch."""
    version = file.version._replace(patch=file.version.patch + 1)
    return f"{file.name}.v{version}.md"


def hash_of(text: str) -> str:
    """Return the hash of a prompt: of what a model reads, whatever an editor does to line ends."""
    read = text.replace("\r\n", "\n").strip()
    return hashlib.sha256(read.encode("utf-8", "surrogatepass")).hexdigest()


def _problem(file: PromptFile, lock: str | None) -> str:
    if lock is None:
        return f"{file.key} is not locked: `python starter.py prompts lock`"
    if lock == file.hash:
        return ""
    return (
        f"{file.key} was changed after it was locked: put its old text back, and the new one into "
        f"prompts/{next_name(file)}"
    )


def _file(path: Path) -> PromptFile:
    name, version = _parsed(path.name)
    text = path.read_text(encoding="utf-8")
    return PromptFile(path.parent.parent.name, name, version, path, text.strip(), hash_of(text))


def _parsed(name: str) -> tuple[str, Version]:
    found = _FILE.fullmatch(name)
    if not found:
        raise ValueError(f"prompt {name!r} must be named like 'system.v1.0.0.md'")
    return found[1], Version(*(int(part or 0) for part in found.groups()[1:]))
