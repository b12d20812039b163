"""Tools over a file of invoices; credits go into a file beside it, one line each."""

import asyncio
import csv
import fcntl
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from agents.toolkit import AnswerToCheck, Proposal, ToolContext, ToolError, tool

_FILE = "credits.jsonl"


class Invoice(BaseModel):
    """An invoice as the shop's file has it."""

    invoice_id: str
    item: str
    billed_cents: int
    open_cents: int
    due: str
    delivered: str


class Account(BaseModel):
    """All of a customer's invoices."""

    customer: str
    invoices: list[Invoice]
    total_open_cents: int
    oldest_due: str


@tool(effect="read", source="ours")
async def read_account(context: ToolContext, customer: str) -> Account:
    """Read a customer's account: its invoices, what is open, and the oldest open due date.

    Args:
        context: Of the call.
        customer: For example C-104.
    """
    return await asyncio.to_thread(_account, context.data, customer)


async def _credited(context: ToolContext) -> bool:
    made = await asyncio.to_thread(_credits, context.data)
    return any(each["key"] == context.key for each in made)


def is_due(proposal: Proposal) -> str:
    """Let a credit pass that the file itself says is due: read in this run, whole, and once."""
    named, cents = proposal.arguments["invoice_id"], proposal.arguments["cents"]
    read = [call.arguments.get("customer", "") for call in proposal.results_of("read_account")]
    accounts = [_account(proposal.data, customer) for customer in read]
    found = [each for account in accounts for each in account.invoices if each.invoice_id == named]
    if not found:
        return f"{named} is on no account that was read in this run"
    if found[0].delivered != "no":
        return f"{named} was delivered; only what never came is credited"
    if cents != found[0].billed_cents:
        return f"{named} was billed at {found[0].billed_cents} cents, not {cents}"
    others = [each for each in _credits(proposal.data) if each["run"] != proposal.run_id]
    made = [call.arguments for call in proposal.results_of("credit")]
    before = any(each.get("invoice_id") == named for each in (*others, *made))
    return f"{named} was credited before" if before else ""


@tool(effect="irreversible", idempotent=True, reconcile=_credited, second_check=is_due)
async def credit(
    context: ToolContext, invoice_id: str, cents: Annotated[int, Field(ge=1, le=10_000_000)]
) -> str:
    """Credit an invoice that never came. A person is asked first.

    Args:
        context: Of the call.
        invoice_id: For example I-2041.
        cents: What it was billed at.
    """
    return await asyncio.to_thread(_credit, context, invoice_id, cents)


def account_was_read(checked: AnswerToCheck) -> Sequence[str]:
    """The account of the customer whom the task names was read."""
    customer = json.loads(checked.task).get("customer", "") if "{" in checked.task else ""
    read = {made.arguments.get("customer") for made in checked.made}
    return [] if customer in read else [f"the account of {customer!r} was not read"]


def _credit(context: ToolContext, invoice_id: str, cents: int) -> str:
    path = _beside(context.data)
    with path.open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if all(each["key"] != context.key for each in _credits(context.data)):
            line = {"key": context.key, "invoice_id": invoice_id, "cents": cents}
            file.write(json.dumps(line | {"run": context.run_id}) + "\n")
    return f"credited {cents} cents on {invoice_id}"


def _beside(data: dict[str, str]) -> Path:
    return Path(data["invoices"]).with_name(_FILE)


def _credits(data: dict[str, str]) -> list[dict[str, str]]:
    path = _beside(data)
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _account(data: dict[str, str], customer: str) -> Account:
    path = Path(data["invoices"])
    if not path.is_file():
        raise ToolError(f"there is no file {str(path)!r}; start with --data invoices=…")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["customer"] == customer]
    if not rows:
        raise ToolError(f"there is no customer {customer!r}")
    invoices = [Invoice.model_validate(row) for row in rows]
    unpaid = [each for each in invoices if each.open_cents]
    return Account(
        customer=customer,
        invoices=invoices,
        total_open_cents=sum(each.open_cents for each in unpaid),
        oldest_due=min((each.due for each in unpaid), default=""),
    )
