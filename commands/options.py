"""Options that several commands share."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.errors import Misuse
from domain.budget import LimitsOverride

RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id, as `list` shows it.")]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON on stdout, the rest on stderr.", metavar="")
]
NewId = Annotated[
    str,
    typer.Option(
        "--id", help="Id of the run; one that exists is shown, not started again.", metavar="ID"
    ),
]
Again = Annotated[
    bool, typer.Option("--again", help="Start anew under an --id whose run has closed.", metavar="")
]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Start, and do not wait.", metavar="")]
Tenant = Annotated[str, typer.Option("--tenant", help="Whose run it is.")]
By = Annotated[str, typer.Option("--by", help="Who you are; default: your login name.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the decision.")]
Steps = Annotated[int | None, typer.Option("--steps", min=1, help="Limit: model calls.")]
Tokens = Annotated[int | None, typer.Option("--tokens", min=1, help="Limit: tokens, in and out.")]
CostUsd = Annotated[
    float | None, typer.Option("--cost-usd", min=0, help="Limit: US dollars; 0 for none.")
]
Budget = Annotated[float | None, typer.Option("--budget-usd", min=0, help="Of all runs together.")]
Minutes = Annotated[
    float | None,
    typer.Option("--minutes", help="Limit: minutes of work; waiting for a person is free."),
]


def limits(
    steps: int | None, tokens: int | None, cost_usd: float | None, minutes: float | None
) -> LimitsOverride | None:
    """Return the limits that were given, None when none was.

    Raises:
        Misuse: A limit leaves no room for anything.
    """
    if minutes is not None and not minutes > 0:
        raise Misuse(f"--minutes {minutes:g}: expected more than 0")
    given: dict[str, Any] = {
        "steps": steps,
        "tokens": tokens,
        "cost_usd": usd(cost_usd),
        "wall_clock_s": None if minutes is None else minutes * 60,
    }
    given = {name: value for name, value in given.items() if value is not None}
    return LimitsOverride(**given) if given else None


def usd(given: float | None) -> Decimal | None:
    """Return an amount as it was written, not as the nearest binary fraction."""
    return None if given is None else Decimal(str(given))


def text_of(path: Path, expected: str) -> str:
    """Return what is in a file that a person named.

    Args:
        path: The file.
        expected: What it should have been, for the error.

    Raises:
        Misuse: It cannot be read as text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Misuse(f"{str(path)!r}: no such file; expected {expected}") from None
    except IsADirectoryError:
        raise Misuse(f"{str(path)!r} is a folder; expected {expected}") from None
    except UnicodeDecodeError as error:
        raise Misuse(f"{str(path)!r} is not UTF-8 (byte {error.start}); save it as UTF-8") from None


def json_object(text: str, option: str) -> dict[str, Any]:
    """Return the JSON object in `text`.

    Raises:
        Misuse: It is not JSON, or not an object.
    """
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Misuse(f'{option} {text!r} is not JSON ({error}); expected {{"name": ...}}') from None
    if not isinstance(value, dict):
        raise Misuse(f'{option} {text!r} is JSON, but not an object; expected {{"name": ...}}')
    return value  # pyright: ignore[reportUnknownVariableType] - JSON
