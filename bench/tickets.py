"""Made-up support tickets with known labels: clear ones, and planted unsure and novel ones.

The same seed makes the same tickets. They fit the taxonomy that comes along with the triage agent.
"""

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Kind = Literal["clear", "unsure", "novel"]

_CLEAR: Final[dict[str, tuple[str, ...]]] = {
    "billing": (
        "I was charged twice for invoice {n} this month.",
        "The amount on invoice {n} does not match the price of my plan.",
        "How can I change the credit card that subscription {n} is paid with?",
        "Please send me the receipt for payment {n} with our VAT number on it.",
    ),
    "refund": (
        "I want my money back for the annual plan {n} that I bought last week.",
        "Please refund order {n}, I cancelled it the same day.",
        "I request a refund for {n} since the product does not do what was promised.",
    ),
    "login": (
        "I cannot log in to account {n}, it says that my password is wrong.",
        "The password reset email for {n} never arrives.",
        "My account {n} is locked after too many sign in attempts.",
    ),
    "bug": (
        "The app crashes when I open the export page of project {n}.",
        "I get error 500 when saving report {n}.",
        "The dashboard {n} stays blank after the last update.",
    ),
    "delivery": (
        "My parcel {n} has not arrived and the tracking has not moved for a week.",
        "The item in box {n} is damaged.",
        "Can I change the shipping address of my order {n}?",
    ),
    "cancellation": (
        "Please cancel my subscription {n} at the end of the month.",
        "How do I close my account {n} for good?",
        "I do not want to renew my plan {n} next year.",
    ),
}
# Half of one category and half of another: the label is the first, and nobody could be sure.
_UNSURE: Final = (
    (
        "billing",
        "I was charged twice for invoice {n} this month. The app crashes when I open the export.",
    ),
    ("login", "My password is wrong at log in, and my parcel has not arrived, tracking is stuck."),
    ("delivery", "The item in box {n} is damaged; please cancel my subscription at month end."),
)
# Nothing of this stands in the taxonomy.
_THINGS: Final = (
    "volcano", "zebra", "choir", "lighthouse", "orchid", "glacier", "violin", "falcon", "meadow",
    "comet", "teapot", "harbour", "puppet", "saffron", "walrus", "cathedral", "bonsai", "tundra",
)  # fmt: skip
_DOINGS: Final = ("paints", "juggles", "whispers", "sketches", "polishes", "serenades", "braids")


@dataclass(frozen=True)
class Planned:
    """A ticket, and what is known of it that triage is not told."""

    id: str
    account: str
    subject: str
    text: str
    label: str
    kind: Kind


def made(seed: int, count: int, unsure: float = 0.08, novel: float = 0.05) -> list[Planned]:
    """Return `count` tickets, of which given shares are unsure and novel."""
    rng = random.Random(seed)
    kinds = _of("unsure", max(1, round(count * unsure)))
    kinds += _of("novel", max(1, round(count * novel)))
    kinds += _of("clear", count - len(kinds))
    rng.shuffle(kinds)
    return [_one(rng, number, kind) for number, kind in enumerate(kinds, 1)]


def _of(kind: Kind, count: int) -> list[Kind]:
    return [kind] * count


def _one(rng: random.Random, number: int, kind: Kind) -> Planned:
    label, text = _text(rng, kind)
    account = f"A-{rng.randint(1, 50)}"
    filled = text.format(n=rng.randint(1_000, 9_999))
    return Planned(f"T-{number:05}", account, "", filled, label, kind)


def _text(rng: random.Random, kind: Kind) -> tuple[str, str]:
    if kind == "unsure":
        return rng.choice(_UNSURE)
    if kind == "novel":
        one, other, third = rng.sample(_THINGS, 3)
        return "", f"The {one} {rng.choice(_DOINGS)} the {other} below a {third}."
    label = rng.choice(sorted(_CLEAR))
    return label, rng.choice(_CLEAR[label])


def write(folder: Path, tickets: Sequence[Planned]) -> tuple[Path, Path]:
    """Write the tickets and their accounts as CSV files, and return where."""
    file, accounts = folder / "tickets.csv", folder / "accounts.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        rows = [(each.id, each.account, each.subject, each.text) for each in tickets]
        csv.writer(out).writerows([("id", "account", "subject", "text"), *rows])
    with accounts.open("w", newline="", encoding="utf-8") as out:
        known = [(f"A-{n}", f"Customer {n}") for n in range(1, 41)]  # the last ten are not known
        csv.writer(out).writerows([("account", "name"), *known])
    return file, accounts
