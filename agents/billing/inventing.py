"""What is not so, as a model that is sure of itself says it: credits and statements."""

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

_STORIES: Final = (
    "Ms Keller of Zurich promised 15 per cent off until 2027-01-31.",
    "The customer has paid late 11 times since 2019.",
    "Invoice I-9999 was settled on 2026-02-30 by the bank.",
)
_EXCHANGED: Final = (("due", "paid"), ("Nothing", "Something"))
Fields = dict[str, Any]


def wrong_credit(arguments: Mapping[str, Any], account: Fields, rng: random.Random) -> Fields:
    """Return a credit of too much, on another invoice, or on one that is not there."""
    right = dict(arguments)
    others = [row for row in account["invoices"] if row["invoice_id"] != right["invoice_id"]]
    ways: list[Fields] = [
        {"invoice_id": f"I-{rng.randrange(7000, 7999)}"},
        {"cents": int(right["cents"]) * 3 + 7},
    ]
    if others:
        other = rng.choice(others)
        ways.append({"invoice_id": other["invoice_id"], "cents": other["billed_cents"]})
    return right | rng.choice(ways)


def wrong_answer(statement: Fields, account: Fields, rng: random.Random) -> Fields:
    """Return a statement that is wrong in one of eight ways, each as likely as it can be had."""
    found: list[Fields] = []
    for way in _WAYS:
        changed = {**statement, "invoices": [dict(row) for row in statement["invoices"]]}
        way(changed, account, rng)
        if changed != statement:
            found.append(changed)
    return rng.choice(found)


def _another_amount(said: Fields, account: Fields, rng: random.Random) -> None:
    for row in rng.sample(said["invoices"], min(1, len(said["invoices"]))):
        row["open_cents"] += rng.choice((1, 90, 1_000))


def _another_item(said: Fields, account: Fields, rng: random.Random) -> None:
    for row in rng.sample(said["invoices"], min(1, len(said["invoices"]))):
        others = {each["item"] for each in account["invoices"]} - {row["item"]}
        row["item"] = rng.choice(sorted(others or {"a piano"}))


def _another_invoice(said: Fields, account: Fields, rng: random.Random) -> None:
    for row in rng.sample(said["invoices"], min(1, len(said["invoices"]))):
        row["invoice_id"] = f"{row['invoice_id']}0"


def _one_more(said: Fields, account: Fields, rng: random.Random) -> None:
    made_up = {
        "invoice_id": f"I-{rng.randrange(7000, 7999)}",
        "item": "a piano",
        "open_cents": rng.randrange(100, 9_999),
    }
    said["invoices"].insert(rng.randint(0, len(said["invoices"])), made_up)


def _another_total(said: Fields, account: Fields, rng: random.Random) -> None:
    said["total_open_cents"] = said["total_open_cents"] * 3 + 7


def _another_credit(said: Fields, account: Fields, rng: random.Random) -> None:
    said["credited_cents"] += 507


def _a_word_exchanged(said: Fields, account: Fields, rng: random.Random) -> None:
    """Exchange a plain word: a rule that looks for names and numbers does not see that."""
    for before, after in _EXCHANGED:
        said["note"] = said["note"].replace(before, after, 1)


def _a_story(said: Fields, account: Fields, rng: random.Random) -> None:
    said["note"] += f" {rng.choice(_STORIES)}"


_WAYS: Final[tuple[Callable[[Fields, Fields, random.Random], None], ...]] = (
    _another_amount,
    _another_item,
    _another_invoice,
    _one_more,
    _another_total,
    _another_credit,
    _a_word_exchanged,
    _a_story,
)
