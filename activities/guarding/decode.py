"""What a text says in another dress: base64, hex, escapes, rot13, backwards, letters as digits.

Each layer is taken off so many times and so far; what is found is text to look at like any other.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Final
from urllib.parse import unquote

_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_BASE32: Final = re.compile(r"[A-Z2-7]{24,}={0,6}")
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2}[\s:,-]?){12,}")
_HEX_X: Final = re.compile(r"(?:(?:\\x|0x)[0-9a-fA-F]{2}[\s,]{0,2}){8,}")
_BITS: Final = re.compile(r"(?:[01]{8}\s?){8,}")
_CODES: Final = re.compile(r"(?:\b\d{2,3}\b[\s,;]{1,2}){11,}\d{2,3}")
_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")
_LEET: Final = str.maketrans("013457@$!|8", "oleastasilb")
_LEET_I: Final = str.maketrans("013457@$!|8", "oieastasiib")
_LEETED: Final = re.compile(r"[a-zA-Z]{0,40}[0-9@$!|][a-zA-Z0-9@$!|]{0,40}")
_LEAST_LEETED: Final = 2  # words; one is a product's name
_MOST_LEETED: Final = 5_000
_LEAST_LETTERS: Final = 0.7
_SHORTEST: Final = 8
_MOST_SHIFTED: Final = 20_000  # characters
_MOST_PIECES: Final = 40
_MOST_BYTES: Final = 100_000
_MOST_DEPTH: Final = 3


def decoded(text: str, depth: int = _MOST_DEPTH) -> Iterator[tuple[str, str]]:
    """Yield what is found under each layer, with the layer's name; layers under layers too."""
    left = _MOST_BYTES
    for name, found in _layers(text):
        left -= len(found)
        if left < 0:
            return
        yield name, found
        if depth > 1:
            yield from ((f"{name}+{inner}", deeper) for inner, deeper in decoded(found, depth - 1))


def _layers(text: str) -> Iterator[tuple[str, str]]:
    for name, pattern, reader in _PIECES:
        pieces = [found[0] for found in islice(pattern.finditer(text), _MOST_PIECES)]
        for piece in [*pieces, *_joined(name, text, pieces)]:
            if read := _sensible(reader(piece)):
                yield name, read
    for name, reader in _WHOLE:
        if (read := reader(text)) and read != text:
            yield name, read


def _joined(name: str, text: str, pieces: list[str]) -> list[str]:
    """Return pieces that stand on lines of their own as one, where there are several."""
    if name != "base64" or len(pieces) < 2:  # noqa: PLR2004 - two pieces make one of both
        return []
    lines = [line.strip(" >\t\"',") for line in text.splitlines()]
    whole = "".join(line for line in lines if line in pieces)
    return [whole, "".join(pieces)] if whole else ["".join(pieces)]


def _sensible(raw: bytes) -> str:
    """Return decoded bytes as text, if they are one."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    if len(text) < _SHORTEST:
        return ""
    letters = sum(char.isalpha() or char.isspace() for char in text)
    return text if letters >= _LEAST_LETTERS * len(text) else ""


def _base64(piece: str) -> bytes:
    plain = piece.rstrip("=").replace("-", "+").replace("_", "/")
    plain = plain[: len(plain) // 4 * 4 + (len(plain) % 4 if len(plain) % 4 > 1 else 0)]
    return _or_nothing(lambda: base64.b64decode(plain + "=" * (-len(plain) % 4)))


def _base32(piece: str) -> bytes:
    plain = piece.rstrip("=")
    return _or_nothing(lambda: base64.b32decode(plain + "=" * (-len(plain) % 8)))


def _hex(piece: str) -> bytes:
    digits = re.sub(r"\\x|0x|[^0-9a-fA-F]", "", piece)
    return _or_nothing(lambda: bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _bits(piece: str) -> bytes:
    return bytes(int(byte, 2) for byte in re.findall(r"[01]{8}", piece))


def _codes(piece: str) -> bytes:
    return bytes(code for code in map(int, re.findall(r"\d+", piece)) if code < 256)  # noqa: PLR2004


def _or_nothing(read: Callable[[], bytes]) -> bytes:
    try:
        return read()
    except (ValueError, binascii.Error):
        return b""


def _url(text: str) -> str:
    return unquote(text.replace("+", " ")) if text.count("%") > 2 else ""  # noqa: PLR2004


def _quoted(text: str) -> str:
    if text.count("=") < 4:  # noqa: PLR2004
        return ""
    return quopri.decodestring(text.encode("utf-8", "replace")).decode("utf-8", "replace")


def _escapes(text: str) -> str:
    if "\\u" not in text and "\\x" not in text:
        return ""
    return _ESCAPED.sub(lambda found: chr(int(found[1] or found[2], 16)), text)


def leet(text: str) -> Iterator[str]:
    """Yield the text with digits and signs read as letters, where they stand among letters."""
    words = [found[0] for found in islice(_LEETED.finditer(text), _MOST_LEETED)]
    if sum(map(_is_mixed, words)) < _LEAST_LEETED:
        return
    for table in (_LEET, _LEET_I):
        yield _LEETED.sub(lambda found, table=table: _as_letters(found[0], table), text)


def _as_letters(word: str, table: dict[int, int]) -> str:
    return word.translate(table) if _is_mixed(word) else word


def _is_mixed(word: str) -> bool:
    return len(word) > 2 and any(map(str.isalpha, word)) and not word.isalpha()  # noqa: PLR2004


@cache
def _shifted(by: int) -> dict[int, int]:
    return {97 + at: 97 + (at + by) % 26 for at in range(26)}


def turned(text: str) -> Iterator[tuple[str, str]]:
    """Yield a folded text in dresses that change all of it, whether or not it wears them."""
    for shift in range(1, 26):
        yield "shifted letters", text[:_MOST_SHIFTED].translate(_shifted(shift))
    yield "reversed", text[::-1]
    yield "reversed words", " ".join(reversed(text.split()))


_PIECES: Final[tuple[tuple[str, re.Pattern[str], Callable[[str], bytes]], ...]] = (
    ("base64", _BASE64, _base64),
    ("base32", _BASE32, _base32),
    ("hex", _HEX, _hex),
    ("hex", _HEX_X, _hex),
    ("binary", _BITS, _bits),
    ("codes", _CODES, _codes),
)
_WHOLE: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    ("url", _url),
    ("quoted-printable", _quoted),
    ("escapes", _escapes),
)
