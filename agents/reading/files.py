"""A file into text: plain text, Markdown, HTML and PDF, each with where its parts begin.

What cannot be read is said in one sentence, so that a run can name the file and go on.
"""

import re
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

MAX_BYTES: Final = 50_000_000
MAX_CHARACTERS: Final = 5_000_000
_FENCE: Final = re.compile(r"^\s*(```|~~~)")
_HEADING: Final = re.compile(r"^(#{1,6})\s+(.+?)\s*#*\s*$")
_BLANKS: Final = re.compile(r"\n{3,}")
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_UNSHOWN: Final = ("script", "style", "template", "noscript", "head")
_BLOCKS: Final = (
    "p", "div", "section", "article", "li", "tr", "pre", "blockquote", "table", "ul", "ol", "dl",
    "dt", "dd", "br", "hr", "header", "footer", "main", "figure", "figcaption",
)  # fmt: skip
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
# Half a character is what a PDF's broken font table can come to; no history can hold it.
_HALF: Final = re.compile(r"[\ud800-\udfff]")


class UnreadableError(ValueError):
    """A file whose text cannot be had; the message says why, in words for its owner."""


class Mark(NamedTuple):
    """Where a part of a text begins: a heading's section, a page."""

    offset: int
    place: str


class Text(NamedTuple):
    """A document's text, and its parts in order."""

    text: str
    marks: tuple[Mark, ...] = ()


def read(path: Path) -> Text:
    """Return the text of a file of one of `KINDS`.

    Raises:
        UnreadableError: It cannot be read, holds no text, or is too large.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UnreadableError(f"it has {size:,} bytes; {MAX_BYTES:,} are read at most")
        raw = path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"it cannot be opened: {error.strerror or error}") from None
    found = KINDS[path.suffix.lower()](raw)
    if not found.text.strip():
        raise UnreadableError("there is no text in it")
    if len(found.text) > MAX_CHARACTERS:
        raise UnreadableError(
            f"it has {len(found.text):,} characters; {MAX_CHARACTERS:,} are read at most"
        )
    return found


def _decoded(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"it is not UTF-8 (byte 0x{raw[error.start]:02x} at position {error.start}); "
            "convert it, for example with iconv"
        ) from None
    if "\0" in text:
        raise UnreadableError("it is binary, not text (it holds a zero byte)")
    return _clean(text)


def _clean(text: str) -> str:
    """Return `text` with the line ends of Unix and nothing that no page can show."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
    return _HALF.sub("\ufffd", _CONTROL.sub(" ", lines))


def _plain(raw: bytes) -> Text:
    return Text(_decoded(raw))


def _markdown(raw: bytes) -> Text:
    text = _decoded(raw)
    return Text(text, tuple(_sections(text)))


def _sections(text: str) -> Iterator[Mark]:
    """Yield each heading with those above it: `Install > From source`."""
    above: list[tuple[int, str]] = []
    fenced, offset = "", 0
    for line in text.splitlines(keepends=True):
        fence = _FENCE.match(line)
        if fence and (not fenced or fence[1] == fenced):
            fenced = "" if fenced else fence[1]
        heading = None if fenced else _HEADING.match(line.rstrip("\n"))
        if heading:
            level = len(heading[1])
            above = [*(each for each in above if each[0] < level), (level, heading[2])]
            yield Mark(offset, " > ".join(title for _, title in above)[:200])
        offset += len(line)


def _html(raw: bytes) -> Text:
    # Here and not above: it takes a tenth of a second to import, and few runs read HTML.
    from bs4 import BeautifulSoup  # noqa: PLC0415
    from bs4.exceptions import ParserRejectedMarkup  # noqa: PLC0415

    try:
        soup = BeautifulSoup(_as_declared(raw), "html.parser")
    except (ParserRejectedMarkup, RecursionError, AssertionError) as error:
        raise UnreadableError(f"it is no HTML that can be read: {error}") from None
    for unshown in soup.find_all(_UNSHOWN):
        unshown.decompose()
    # What no reader of the page sees must not speak to a model either.
    for tag in soup.find_all(lambda each: _is_hidden(each.attrs)):
        tag.decompose()
    for tag in soup.find_all(re.compile(r"^h[1-6]$")):
        words = " ".join(tag.get_text(" ").split())
        tag.replace_with(f"\n\n{'#' * int(tag.name[1])} {words}\n\n" if words else "\n")
    for tag in soup.find_all(_BLOCKS):
        tag.insert_before("\n\n" if tag.name != "br" else "\n")
        tag.insert_after("\n")
    lines = (" ".join(line.split()) for line in soup.get_text().splitlines())
    text = _clean(_BLANKS.sub("\n\n", "\n".join(lines))).strip()
    return Text(text, tuple(_sections(text)))


def _is_hidden(attributes: object) -> bool:
    if not isinstance(attributes, dict):
        return False
    named = {str(name): str(value) for name, value in attributes.items()}  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
    return (
        "hidden" in named
        or named.get("aria-hidden") == "true"
        or bool(_HIDDEN.search(named.get("style", "")))
    )


def _as_declared(raw: bytes) -> str:
    """Return HTML in the encoding that it names itself, UTF-8 where it names none."""
    from bs4.dammit import EncodingDetector  # noqa: PLC0415

    try:
        return _decoded(raw)
    except UnreadableError:
        declared = EncodingDetector.find_declared_encoding(raw, is_html=True)
        if not declared:
            raise
    try:
        return _clean(raw.decode(declared))
    except (LookupError, UnicodeDecodeError):
        raise UnreadableError(f"it says that it is {declared}, and it is not") from None


def _pdf(raw: bytes) -> Text:
    from pypdf.errors import FileNotDecryptedError, PyPdfError  # noqa: PLC0415

    try:
        pages = _pages(raw)
    except FileNotDecryptedError:
        raise UnreadableError("it is encrypted; save it without a password") from None
    except (PyPdfError, OSError) as error:
        raise UnreadableError(f"it is no PDF that can be read: {error}") from None
    except Exception as error:  # noqa: BLE001 - a broken PDF can raise anything in there
        reason = f"{type(error).__name__}: {str(error)[:200]}"
        raise UnreadableError(f"it is a broken PDF ({reason})") from None
    if not any(page.strip() for page in pages):
        raise UnreadableError("there is no text in it: a scan has to go through OCR first")
    return _paged(pages)


def _pages(raw: bytes) -> list[str]:
    from pypdf import PdfReader  # noqa: PLC0415 - as for HTML

    reader = PdfReader(BytesIO(raw))
    if reader.is_encrypted:
        reader.decrypt("")  # one that only its owner may change opens without a password
    return [page.extract_text() for page in reader.pages]


def _paged(pages: list[str]) -> Text:
    text, marks = "", list[Mark]()
    for number, page in enumerate(pages, 1):
        marks.append(Mark(len(text), f"page {number}"))
        text += _clean(page).strip() + "\n\n"
    return Text(text.rstrip(), tuple(marks))


KINDS: Final[dict[str, Callable[[bytes], Text]]] = {
    ".txt": _plain,
    ".text": _plain,
    ".rst": _plain,
    ".md": _markdown,
    ".markdown": _markdown,
    ".html": _html,
    ".htm": _html,
    ".pdf": _pdf,
}
"""What reads a file, by the end of its name."""
