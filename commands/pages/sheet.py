"""What all pages are made with: one environment in which foreign text cannot become markup.

Every value passes `_finalized` and then Jinja's own HTML escaping; no template and no function
here marks anything as safe. A page carries a policy of its own besides: were a script or an address
to get in, the browser would not run or load it.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, cast

from jinja2 import Environment, PackageLoader, StrictUndefined

from agents.auditor import wording
from commands.heard import Heard, senders
from domain.approval import Decision
from domain.audit import KINDS
from domain.run import Outcome

_MOST: Final = 20_000
_GOOD: Final = frozenset({Outcome.COMPLETED.value, "COMPLETE"})
_WAITS: Final = frozenset({Outcome.LIMIT.value, "PENDING_APPROVAL", "STOPPED"})
_BAD: Final = frozenset(
    {
        *(each.value for each in Outcome if each not in {Outcome.COMPLETED, Outcome.LIMIT}),
        "REJECTED",
        "FAILED",
    }
)


def render(name: str, **values: Any) -> str:
    """Return the page that the template `name` makes of `values`."""
    return environment().get_template(name).render(**values)


@cache
def environment() -> Environment:
    """Return the environment of the pages' templates."""
    made = Environment(
        loader=PackageLoader("commands.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    made.filters.update(_FILTERS)
    words: dict[str, Any] = {
        "amounts": wording.amounts,
        "bookings": wording.bookings,
        "faults": wording.FAULTS,
        "is_stand_in": wording.is_stand_in,
        "kinds": KINDS,
        "matched": matched,
        "unmatched": unmatched,
    }
    # Imported macros see an environment's globals, not what a page is rendered with.
    known: dict[str, Any] = made.globals
    known.update(words)
    return made


def _finalized(value: object) -> object:
    """Spell out what is not seen; markup of the templates' own macros passes as it is."""
    if hasattr(value, "__html__"):
        return value
    return cut(wording.visible(str(value)), _MOST)


def cut(text: str, most: int) -> str:
    """Return `text`, or its first `most` characters and how many more there are."""
    return text if len(text) <= most else f"{text[:most]}\n[…{len(text) - most:,} more characters]"


def matched(made: Sequence[Decision], said: Sequence[Heard]) -> list[tuple[Decision, Heard | None]]:
    """Return each decision with the signal or update that it is made of, where there is one."""
    return list(zip(made, senders(made, said), strict=True))


def unmatched(made: Sequence[Decision], said: Sequence[Heard]) -> list[Heard]:
    """Return what was sent and is no decision: it came late, or lets a stopped run go on."""
    counted = {id(each) for each in senders(made, said)}
    return [each for each in said if id(each) not in counted]


def tone(outcome: str) -> str:
    """Return the class in which an outcome or a state is shown."""
    if outcome in _GOOD:
        return "good"
    if outcome in _WAITS:
        return "warn"
    return "bad" if outcome in _BAD else "calm"


def as_text(value: Any) -> str:
    """Return an answer as a person reads it."""
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def indented(text: str) -> str:
    """Return JSON over several lines, and anything else as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def in_words(text: str) -> str:
    """Return a JSON object on one line, as `name value, name value`; anything else as it is."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(found, dict):
        return text
    pairs = cast("dict[str, Any]", found).items()
    return ", ".join(f"{name.replace('_', ' ')} {as_text(value)}" for name, value in pairs)


def moment(text: str) -> str:
    """Return a moment that JSON has as text, to the second; anything else as it is."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return text


def typographic(amount: str) -> str:
    """Return an amount with a minus sign that is as wide as a digit."""
    return amount.replace("-", "\N{MINUS SIGN}")


_FILTERS: Final[dict[str, Any]] = {
    "as_text": as_text,
    "count": "{:,}".format,
    "cut": cut,
    "day": "{:%Y-%m-%d}".format,
    "duration": wording.duration,
    "figure": typographic,
    "in_words": in_words,
    "indented": indented,
    "moment": moment,
    "money": wording.money,
    "percent": wording.percent,
    "tone": tone,
    "usd": wording.usd,
    "when": "{:%Y-%m-%d %H:%M:%S}".format,
}
