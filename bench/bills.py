"""Files of invoices made from a seed, and what would be right to say and to do about them."""

import csv
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_ITEMS: Final = ("lamp", "desk", "chair", "shelf", "rug", "clock", "vase", "stool")
_COLUMNS: Final = (
    "customer", "invoice_id", "item", "billed_cents", "open_cents", "due", "delivered",
)  # fmt: skip


@dataclass(frozen=True)
class Task:
    """A customer, what is asked, and what would be right."""

    task: dict[str, str]
    owed: dict[str, Any]
    due: tuple[str, int] | None


def tasks(folder: Path, seed: int, number: int) -> list[Task]:
    """Write a file of invoices and return tasks on it."""
    rng = random.Random(f"self-checks {seed}")
    found: list[Task] = []
    with (folder / "invoices.csv").open("w", newline="", encoding="utf-8") as file:
        writer: csv.DictWriter[str] = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        for at in range(number):
            customer = f"C-{100 + at}"
            rows = [_invoice(rng, customer, at * 10 + each) for each in range(rng.randint(1, 5))]
            writer.writerows(rows)
            found.append(_task(rng, customer, rows))
    return found


def _invoice(rng: random.Random, customer: str, number: int) -> dict[str, Any]:
    cents = rng.randrange(500, 90_000)
    return {
        "customer": customer,
        "invoice_id": f"I-{2000 + number}",
        "item": rng.choice(_ITEMS),
        "billed_cents": cents,
        "open_cents": rng.choice((0, cents, cents // 2)),
        "due": f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        "delivered": rng.choice(("yes", "yes", "no")),
    }


def _task(rng: random.Random, customer: str, rows: list[dict[str, Any]]) -> Task:
    named = rng.choice(rows) if rng.random() < 0.7 else None  # noqa: PLR2004 - most ask for one
    unpaid = [row for row in rows if row["open_cents"]]
    due = named is not None and named["delivered"] == "no"
    oldest = min((row["due"] for row in unpaid), default="")
    return Task(
        task={"customer": customer} | ({"credit": named["invoice_id"]} if named else {}),
        owed={
            "customer": customer,
            "invoices": [
                {name: row[name] for name in ("invoice_id", "item", "open_cents")} for row in unpaid
            ],
            "total_open_cents": sum(row["open_cents"] for row in unpaid),
            "note": f"The oldest due date is {oldest}." if unpaid else "Nothing is owed.",
        },
        due=(named["invoice_id"], named["billed_cents"]) if named and due else None,
    )
