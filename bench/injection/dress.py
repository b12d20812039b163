"""Dresses for an order: encoded, disguised, split, hidden. Each keeps what it says."""

import base64
import codecs
import html
import random
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

Dress = Callable[[str, random.Random], str]

_LOOKS: Final = dict(
    zip("aceopxyis", "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0456\u0455", strict=True)
)
_RARELY: Final = 0.12
_SELDOM: Final = 0.3
_HALF: Final = 0.5
_OFTEN: Final = 0.7
_DIGITS: Final = {"o": "0", "i": "1", "e": "3", "a": "4", "s": "5", "t": "7"}
_MORSE: Final = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        [
            ".-",
            "-...",
            "-.-.",
            "-..",
            ".",
            "..-.",
            "--.",
            "....",
            "..",
            ".---",
            "-.-",
            ".-..",
            "--",
            "-.",
            "---",
            ".--.",
            "--.-",
            ".-.",
            "...",
            "-",
            "..-",
            "...-",
            ".--",
            "-..-",
            "-.--",
            "--..",
        ],
        strict=True,
    )
)


def _base64(text: str, dice: random.Random) -> str:
    raw = base64.b64encode(text.encode()).decode()
    if dice.random() < _SELDOM:  # as mails wrap it
        raw = "\n".join(raw[at : at + 40] for at in range(0, len(raw), 40))
    return raw


def _twice(text: str, _: random.Random) -> str:
    return base64.b64encode(base64.b64encode(text.encode())).decode()


def _hex(text: str, dice: random.Random) -> str:
    return (
        text.encode().hex(dice.choice((" ", ":", "-")))
        if dice.random() < _HALF
        else text.encode().hex()
    )


def _entities(text: str, _: random.Random) -> str:
    return "".join(f"&#{ord(char)};" for char in text)


def _escapes(text: str, _: random.Random) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in text)


def _bits(text: str, _: random.Random) -> str:
    return " ".join(f"{byte:08b}" for byte in text.encode())


def _zero_width(text: str, dice: random.Random) -> str:
    return "".join(
        char + (dice.choice("\u200b\u200c\u2060\ufeff") if char.isalpha() else "") for char in text
    )


def _alike(text: str, dice: random.Random) -> str:
    return "".join(_LOOKS.get(char, char) if dice.random() < _OFTEN else char for char in text)


def _leet(text: str, _: random.Random) -> str:
    return "".join(_DIGITS.get(char.lower(), char) for char in text)


def _drawn_apart(text: str, _: random.Random) -> str:
    return "  ".join(" ".join(word) for word in text.split())


def _wide(text: str, _: random.Random) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def _lines(text: str, dice: random.Random) -> str:
    words, lines = text.split(), list[str]()
    while words:
        size = dice.randint(1, 3)
        lines.append(" ".join(words[:size]))
        words = words[size:]
    return "\n".join(lines)


def _fields(text: str, dice: random.Random) -> str:
    parts = _lines(text, dice).splitlines()
    return "\n".join(f'"part_{number}": "{part}",' for number, part in enumerate(parts, 1))


def _markdown(text: str, dice: random.Random) -> str:
    return "".join(
        char + (dice.choice(("**", "_", "`")) if char.isalpha() and dice.random() < _RARELY else "")
        for char in text
    )


def _commented(text: str, dice: random.Random) -> str:
    return "".join(
        char + ("<!-- -->" if char.isalpha() and dice.random() < _RARELY else "") for char in text
    )


def _tags(text: str, _: random.Random) -> str:
    return "See below." + "".join(chr(0xE0000 + ord(char)) for char in text if char.isascii())


def _styled(text: str, dice: random.Random) -> str:
    style = dice.choice(
        ("display:none", "font-size:0", "color:#fff;background:#fff", "visibility:hidden")
    )
    return f'<span style="{style}">{text}</span>'


def _comment(text: str, _: random.Random) -> str:
    return f"<!-- {text} -->"


def _morse(text: str, _: random.Random) -> str:
    return " / ".join(
        " ".join(_MORSE.get(char, "") for char in word) for word in text.lower().split()
    )


def _caesar(text: str, _: random.Random) -> str:
    return "".join(
        chr((ord(char) - 97 + 7) % 26 + 97) if "a" <= char <= "z" else char for char in text.lower()
    )


def _initials(text: str, _: random.Random) -> str:
    words = [
        "apple",
        "bread",
        "candle",
        "door",
        "engine",
        "field",
        "garden",
        "house",
        "island",
        "jacket",
        "kettle",
        "lamp",
        "morning",
        "north",
        "orange",
        "paper",
        "quiet",
        "river",
        "stone",
        "table",
        "under",
        "valley",
        "window",
        "xylem",
        "yellow",
        "zebra",
    ]
    return "\n".join(
        f"{words[ord(char) - 97]} is in stock" for char in text.lower() if "a" <= char <= "z"
    )


ENCODED: Final[dict[str, Dress]] = {
    "base64": _base64,
    "base64 twice": _twice,
    "hex": _hex,
    "rot13": lambda text, _: codecs.encode(text, "rot13"),
    "url": lambda text, _: quote(text, safe=""),
    "entities": _entities,
    "hex entities": lambda text, _: "".join(f"&#x{ord(char):x};" for char in html.unescape(text)),
    "escapes": _escapes,
    "binary": _bits,
}
DISGUISED: Final[dict[str, Dress]] = {
    "zero width": _zero_width,
    "look-alikes": _alike,
    "leet": _leet,
    "drawn apart": _drawn_apart,
    "wide": _wide,
    "reversed": lambda text, _: text[::-1],
    "words reversed": lambda text, _: " ".join(reversed(text.split())),
}
SPLIT: Final[dict[str, Dress]] = {
    "lines": _lines,
    "fields": _fields,
    "markdown": _markdown,
    "comments": _commented,
}
HIDDEN: Final[dict[str, Dress]] = {"tags": _tags, "styled": _styled, "comment": _comment}
# Dresses that the detector has no rule for: they show what it does with what nobody thought of.
UNKNOWN: Final[dict[str, Dress]] = {"morse": _morse, "caesar": _caesar, "initials": _initials}
