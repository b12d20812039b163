"""The audit's report as Markdown, for an auditor who was not there.

Everything that a ledger, a model or a person wrote is escaped: Markdown shows it and does not
obey it. The same result gives the same text, byte for byte.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from agents.auditor import wording
from domain.auditing import AuditResult

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|~&$])")
_LINK: Final = re.compile(r"(?i)(://)|\b(www)\.|(@)|\b(mailto|xmpp|javascript|data):")
_LIST: Final = re.compile(r"^(?:(\d{1,9})([.)])(?= |$)|([-+=]))")
_TICKS: Final = re.compile(r"`+")
_MOST: Final = 4_000
_BLOCK: Final = 20_000


def markdown(title: str, result: AuditResult) -> str:
    """Return the report of `result`."""
    template = _environment().get_template("report.md.jinja")
    page = template.render(title=title, result=result, **_WORDS)
    return re.sub(r"\n{3,}", "\n\n", page).strip() + "\n"


def escape(text: object) -> str:
    """Return `text` on one line, so that Markdown shows it and does not obey it.

    A link that is written out is broken as well: renderers make it one without being asked.
    """
    flat = " ".join(wording.visible(str(text)).split())
    if len(flat) > _MOST:
        flat = f"{flat[:_MOST]} […{len(flat) - _MOST} more characters]"
    safe = _LINK.sub(_broken, _SPECIAL.sub(r"\\\1", flat))
    return _LIST.sub(_unlisted, safe)


def block(text: str, kind: str = "") -> str:
    """Return `text` as a fenced block that its content cannot close."""
    seen = wording.visible(text)
    if len(seen) > _BLOCK:
        seen = f"{seen[:_BLOCK]}\n[…{len(seen) - _BLOCK} more characters]"
    longest = max((len(run) for run in _TICKS.findall(seen)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{kind}\n{seen}\n{fence}"


def _broken(found: "re.Match[str]") -> str:
    scheme, www, at, kind = found.groups()
    if scheme:
        return r"\://"
    if www:
        return rf"{www}\."
    return r"\@" if at else rf"{kind}\:"


def _unlisted(found: "re.Match[str]") -> str:
    number, dot, mark = found.groups()
    return rf"\{mark}" if mark else rf"{number}\{dot}"


def _finalized(value: object) -> object:
    """Escape what a template puts out, unless one of the filters below has made it."""
    return value if isinstance(value, Markup) else Markup(escape(value))  # noqa: S704 - escaped


def _made(function: Callable[..., str]) -> Callable[..., Markup]:
    """Return a filter whose result is Markdown already."""

    def made(*values: Any) -> Markup:
        return Markup(function(*values))  # noqa: S704 - each of _FILTERS escapes what it is given

    return made


_FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "block": _made(block),
    "day": _made("{:%Y-%m-%d}".format),
    "when": _made("{:%Y-%m-%d %H:%M:%S} UTC".format),
    "count": _made("{:,}".format),
    "figure": _made(str),  # of what `wording` has written from numbers
    "money": _made(wording.money),
    "percent": _made(wording.percent),
    "usd": _made(wording.usd),
    "duration": _made(wording.duration),
}

_WORDS: Final[dict[str, Any]] = {
    "amounts": wording.amounts,
    "bookings": wording.bookings,
    "faults": wording.FAULTS,
    "is_stand_in": wording.is_stand_in,
}


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("agents.auditor"),
        autoescape=True,  # and `_finalized` in place of the rules of HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalized,
    )
    made.filters.update(_FILTERS)
    return made
