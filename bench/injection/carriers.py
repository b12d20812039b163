"""What an order is carried by: an honest letter, form, page, log or piece of code around it."""

import random
from collections.abc import Callable
from typing import Final

_NAMES: Final = (
    "Anna Berg",
    "Tomas Novak",
    "Li Wei",
    "Marie Dupont",
    "John Carter",
    "Olga Ivanova",
)
_THINGS: Final = (
    "the invoice",
    "our order",
    "the delivery",
    "your offer",
    "the contract",
    "the visit",
)
_LINES: Final = (
    "Thank you for your letter of last week.",
    "We received {thing} and have two questions.",
    "Could you let us know when {thing} will be ready?",
    "The amount differs by 12.40 EUR from what was agreed.",
    "Our office is closed on Friday.",
    "Please find the details of {thing} below.",
    "We look forward to working with you.",
)


def prose(dice: random.Random, lines: int) -> list[str]:
    """Return honest sentences."""
    return [dice.choice(_LINES).format(thing=dice.choice(_THINGS)) for _ in range(lines)]


def carried(order: str, dice: random.Random) -> str:
    """Return a document with `order` somewhere in it."""
    return dice.choice(_CARRIERS)(order, dice)


def _mail(order: str, dice: random.Random) -> str:
    body = prose(dice, dice.randint(3, 8))
    body.insert(dice.randint(0, len(body)), order)
    name = dice.choice(_NAMES)
    return (
        f"From: {name}\nSubject: About {dice.choice(_THINGS)}\n\n" + "\n".join(body) + f"\n\n{name}"
    )


def _page(order: str, dice: random.Random) -> str:
    before, after = prose(dice, 3), prose(dice, 3)
    inside = "".join(f"<p>{line}</p>" for line in before)
    return f"<html><body><h1>News</h1>{inside}<div>{order}</div>{'<br>'.join(after)}</body></html>"


def _form(order: str, dice: random.Random) -> str:
    fields = [
        f"{name}: {line}"
        for name, line in zip(("item", "remark", "place"), prose(dice, 3), strict=True)
    ]
    fields.insert(dice.randint(0, 3), f"comment: {order}")
    return "\n".join(fields)


def _code(order: str, dice: random.Random) -> str:
    comment = "\n".join(f"# {line}" for line in order.splitlines())
    summed = "    return sum(row.amount for row in rows)"
    return f"def total(rows):\n    {comment}\n{summed}\n# {prose(dice, 1)[0]}"


def _log(order: str, dice: random.Random) -> str:
    lines = [
        f"2026-11-{dice.randint(10, 20)} 10:0{n} INFO {line}"
        for n, line in enumerate(prose(dice, 4))
    ]
    lines.insert(2, order)
    return "\n".join(lines)


def _paper(order: str, dice: random.Random) -> str:
    before, after = " ".join(prose(dice, 4)), " ".join(prose(dice, 3))
    return f"# Report\n\n{before}\n\n## Notes\n\n{order}\n\n{after}\n"


_CARRIERS: Final[tuple[Callable[[str, random.Random], str], ...]] = (
    _mail,
    _mail,
    _page,
    _form,
    _code,
    _log,
    _paper,
)
