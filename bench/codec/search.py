"""Words looked for in every file and every cell of a database, in the forms that hide them."""

import base64
import gzip
import re
import sqlite3
import zlib
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

_ZLIB: Final = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_GZIP: Final = re.compile(rb"\x1f\x8b\x08")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
_MOST_INFLATED: Final = 4_000_000


@dataclass
class Found:
    """What was found, and in how much.

    Attributes:
        hits: The words by where they were found.
        cells: Of tables, each looked at for itself, unpacked where it could be.
    """

    files: int = 0
    bytes: int = 0
    tables: int = 0
    cells: int = 0
    hits: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def note(self, word: str, where: str) -> None:
        """Keep a hit."""
        self.hits.setdefault(word, set()).add(where)


def search(files: Iterable[Path], words: Sequence[str]) -> Found:
    """Look for words in files as they lie there, and in the cells of those that are SQLite's.

    Args:
        files: Databases with what belongs to them (`-wal`, `-shm`), logs.
        words: Each long and strange enough that it is nowhere by chance.
    """
    found, wanted = Found(), {word: _forms(word) for word in words}
    for path in files:
        content = path.read_bytes()
        found.files, found.bytes = found.files + 1, found.bytes + len(content)
        _look(found, content, wanted, path.name)
        if content.startswith(b"SQLite format 3"):
            _tables(found, path, wanted)
    return found


def _tables(found: Found, path: Path, wanted: dict[str, list[bytes]]) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in names:
            with suppress(sqlite3.OperationalError):  # a virtual table of an extension
                found.tables += 1
                for row in database.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - its own
                    for cell in row:
                        raw = cell.encode() if isinstance(cell, str) else cell
                        if isinstance(raw, bytes) and raw:
                            found.cells += 1
                            _cell(found, raw, wanted, f"{path.name}:{table}")


def _cell(found: Found, raw: bytes, wanted: dict[str, list[bytes]], where: str) -> None:
    _look(found, raw, wanted, where)
    for inner in _unpacked(raw):
        _look(found, inner, wanted, f"{where} (unpacked)")


def _look(found: Found, content: bytes, wanted: dict[str, list[bytes]], where: str) -> None:
    for word, forms in wanted.items():
        if any(form in content for form in forms):
            found.note(word, where)


def _forms(word: str) -> list[bytes]:
    """Return how a word may stand in bytes without being compressed or encrypted."""
    raw = word.encode()
    plain = [raw, raw.lower(), raw.upper(), raw[::-1], word.encode("utf-16-le"), raw.hex().encode()]
    plain += [word.encode("utf-16-be"), word.encode("utf-32-le"), quote(word).encode()]
    # In base64 a word has three forms, by where in a group of three bytes it begins.
    shifted = [base64.b64encode(bytes(shift) + raw)[4 if shift else 0 : -4] for shift in range(3)]
    return sorted({*plain, *shifted}, key=len)


def _unpacked(raw: bytes) -> Generator[bytes]:
    """Yield what is compressed or in base64 somewhere in a cell."""
    for mark in _ZLIB.finditer(raw):
        with suppress(zlib.error):
            yield zlib.decompressobj().decompress(raw[mark.start() :], _MOST_INFLATED)
    for mark in _GZIP.finditer(raw):
        with suppress(zlib.error, OSError, EOFError):
            yield gzip.decompress(raw[mark.start() :])
    for text in _BASE64.findall(raw):
        with suppress(ValueError):
            inner = base64.b64decode(text.rstrip(b"=") + b"===", altchars=b"-_")
            yield inner
            if inner[:1] == b"\x78":
                with suppress(zlib.error):
                    yield zlib.decompressobj().decompress(inner, _MOST_INFLATED)
