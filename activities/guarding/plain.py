"""A text as it reads, whatever it was dressed in: one spelling for letters that look the same.

What is compared later has no case, no accents, no invisible characters, no markup.
"""

import html
import json
import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final

# Letters of other scripts that are read as Latin ones. Only words that mix scripts are mapped, so
# that Russian and Greek stay what they are.
_FILE: Final = Path(__file__).with_name("forms.json")
_PAIRS: Final[str] = json.loads(_FILE.read_text(encoding="utf-8"))["lookalikes"]
_LOOKALIKES: Final = str.maketrans({pair[0]: pair[1] for pair in _PAIRS.split()})
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]{0,500}>|<!--|-->")
_INSIDE: Final = re.compile(r"(?<=\w)(?:[*`~]{1,3}|_{1,3})(?=[\w*`~_])|(?<=\w)[*`~]{1,3}")
_FIELD: Final = re.compile(r"[\"'\s,{#-]{1,8}[A-Za-z][\w ]{0,24}[\"']?\s{0,2}[:=]\s{0,2}[\"']?")
_SPACES: Final = re.compile(r"\s+")
_WORD: Final = re.compile(r"[^\W_]+")
_CJK: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_RUN: Final = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_SEAM: Final = re.compile(rf"(?<=[{_RUN}])(?=[a-z0-9])|(?<=[a-z0-9])(?=[{_RUN}])")
_INVISIBLE: Final = frozenset({"Cf", "Cc", "Cn", "Co"})
_KEPT: Final = frozenset("\n\t\r")
_TAGS_FROM: Final = 0xE0000  # a block of invisible characters that spells ASCII
_TAGS_TO: Final = 0xE007F


def visible(text: str) -> str:
    """Return `text` without what nobody sees; compatibility forms become plain ones."""
    if text.isascii():
        return text
    return "".join(map(_seen, unicodedata.normalize("NFKC", text)))


@lru_cache(maxsize=4096)
def _seen(char: str) -> str:
    if char in _KEPT:
        return char
    hidden = unicodedata.category(char) in _INVISIBLE or "\ufe00" <= char <= "\ufe0f"
    return "" if hidden else char


def smuggled(text: str) -> str:
    """Return what stands in the invisible characters that spell ASCII."""
    if text.isascii():
        return ""
    return "".join(chr(ord(c) - _TAGS_FROM) for c in text if _TAGS_FROM < ord(c) < _TAGS_TO)


def unseen(text: str) -> int:
    """Return how many characters are there that nobody sees and no script needs."""
    if text.isascii():
        return 0
    return sum(char in "\u200b\u2060\ufeff\u2061\u2062\u2063\u2064\u00ad" for char in text)


def without_markup(text: str) -> str:
    """Return `text` without tags; what comments say stays, since a model reads it."""
    if "&" in text:
        text = html.unescape(text)
    return _TAG.sub(" ", text) if "<" in text else text


def pulled_together(text: str) -> str:
    """Return `text` without tags and emphasis inside words; nothing where there are none."""
    joined = _INSIDE.sub("", _TAG.sub("", text) if "<" in text else text)
    return joined if joined != text else ""


def without_fields(text: str) -> str:
    """Return what the fields of a form say, as one text; nothing where there are no fields."""
    joined, count = _FIELD.subn(" ", text)
    return one_line(joined) if count > 1 else ""


def folded(text: str) -> str:
    """Return `text` without case and accents, and words of mixed scripts in one."""
    low = text.casefold()
    if low.isascii():
        return low
    bare = "".join(map(_bare, low))
    return _WORD.sub(lambda found: _one_script(found[0]), bare)


@lru_cache(maxsize=4096)
def _bare(char: str) -> str:
    if _CJK.match(char):
        return char
    parts = unicodedata.normalize("NFKD", char)
    return "".join(part for part in parts if not unicodedata.combining(part))


def _one_script(word: str) -> str:
    if word.isascii() or not any("a" <= char <= "z" for char in word):
        return word
    return word.translate(_LOOKALIKES)


def words_of(text: str) -> list[str]:
    """Return the words of a folded text, in order; scripts without spaces come in runs."""
    return _WORD.findall(text.replace("'", " ").replace("\N{RIGHT SINGLE QUOTATION MARK}", " "))


def has_cjk(text: str) -> bool:
    """Whether there is a script that does not part words."""
    return not text.isascii() and _CJK.search(text) is not None


def apart(text: str) -> str:
    """Return `text` with spaces between scripts that part words and those that do not."""
    return _SEAM.sub(" ", text)


def one_line(text: str) -> str:
    """Return `text` with single spaces."""
    return _SPACES.sub(" ", text)
