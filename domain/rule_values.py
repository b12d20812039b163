"""The values that rules compare and add up: read out of calls and results, spelled in one way."""

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final, cast

from domain.contract import canonical, digest
from domain.tools import ToolSpec

_MOST_TEXT: Final = 200  # characters of a value; a longer one is known by its hash
_MOST_RESULT: Final = 64_000  # characters of a result that a rule reads a field of
_MOST_SHOWN: Final = 80  # characters of a value in a sentence
_PLACES: Final = Decimal("1e-9")  # an amount is held so exactly; what is below rounds up
_WHOLE: Final = 15  # digits before the point; with the places a sum stays exact


def read(tool: ToolSpec, arguments: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """Return the values of an argument, as they are compared; none where it is missing.

    One that the call leaves out has its declared default. A list has several values, and so has
    a path that passes through one.
    """
    given = dict(arguments)
    first = path.partition(".")[0]
    if given.get(first) is None:
        declared = cast("dict[str, Any]", tool.parameters.get("properties", {})).get(first, {})
        given[first] = declared.get("default")
    return tuple(_leaves(given, path))


def fields_of(result: str, paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the values of a JSON result's fields; what is not there, or no JSON, is left out."""
    parsed = _parsed(result)
    return {path: found for path in paths if (found := tuple(_leaves(parsed, path)))}


def _parsed(text: str) -> Any:
    if len(text) > _MOST_RESULT:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _leaves(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _leaves(each, path)
    elif path and isinstance(value, Mapping):
        name, _, rest = path.partition(".")
        yield from _leaves(cast("Mapping[str, Any]", value).get(name), rest)
    elif not path and value is not None:
        yield _spelled(value)


def _spelled(value: Any) -> str:
    """Return a value as it is compared: 17, 17.0 and "17" are one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = value.strip() if isinstance(value, str) else None
    if text is None:
        text = str(value) if isinstance(value, int | float) else canonical(value).decode()
    return text if len(text) <= _MOST_TEXT else f"sha256:{digest(text)}"


def number(text: str) -> Decimal | None:
    """Return a number that sums hold exactly; None where it is none, or beyond any amount."""
    try:
        found = Decimal(text)
    except ArithmeticError:
        return None
    if not found.is_finite() or (found and found.adjusted() >= _WHOLE):
        return None
    return found.quantize(_PLACES, rounding=ROUND_CEILING)


def fold(value: str) -> str:
    """Return what spellings of one value have in common: letters' case, width and spaces."""
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def shown(value: str) -> str:
    """Return a value for a sentence, in quotes."""
    return repr(value if len(value) <= _MOST_SHOWN else f"{value[:_MOST_SHOWN]}…")


def plain(value: Decimal) -> str:
    """Return an amount for a sentence."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
