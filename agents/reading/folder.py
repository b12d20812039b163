"""Which files of a folder are documents."""

from pathlib import Path
from typing import Final, NamedTuple

from agents.reading.files import KINDS

MAX_FILES: Final = 20_000
_MOST_ENTRIES: Final = 500_000


class FolderError(ValueError):
    """A folder with nothing to read in it; the message says what was expected."""


class Entry(NamedTuple):
    """A file, and its name as a report cites it: relative to the folder, with slashes."""

    path: Path
    name: str


class Listing(NamedTuple):
    """What is in a folder.

    Attributes:
        documents: What can be read, in the order of the names.
        others: How many files are of another kind.
    """

    documents: tuple[Entry, ...]
    others: int


def listing(folder: str) -> Listing:
    """Return the documents below `folder`; hidden files, and links that lead out, are left alone.

    Raises:
        FolderError: There is no such folder, no document in it, or more than can be read.
    """
    root = Path(folder).expanduser()
    if not folder.strip() or not root.is_dir():
        raise FolderError(f"{folder!r} is not a folder; name one that holds the documents")
    root = root.resolve()
    found, others = list[Entry](), 0
    for count, path in enumerate(root.rglob("*")):
        if count > _MOST_ENTRIES or len(found) > MAX_FILES:
            raise FolderError(f"{folder!r} holds more than {MAX_FILES:,} documents; name a part")
        inside = path.relative_to(root)
        if any(part.startswith(".") for part in inside.parts) or not path.is_file():
            continue
        if path.suffix.lower() not in KINDS:
            others += 1
        elif path.resolve().is_relative_to(root):
            found.append(Entry(path, inside.as_posix()))
    if not found:
        what = f"{others} files of other kinds" if others else "no files"
        raise FolderError(
            f"the folder {folder!r} holds no document: {what}; read are {', '.join(KINDS)}"
        )
    return Listing(tuple(sorted(found, key=lambda entry: entry.name)), others)
