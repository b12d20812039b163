"""Tools over a file of orders; refunds go into a file beside it, one line each."""

import asyncio
import csv
import fcntl
import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from agents.toolkit import Proposal, ToolContext, ToolError, tool

_FILE = "refunds.jsonl"


class Order(BaseModel):
    """An order as the shop's file has it."""

    order_id: str
    item: str
    paid_cents: int


@tool(effect="read", source="ours")
async def find_order(context: ToolContext, order_id: str) -> Order:
    """Find an order.

    Args:
        context: Of the call.
        order_id: For example A-17.
    """
    return await asyncio.to_thread(_order, context.data, order_id)


async def _refunded(context: ToolContext) -> bool:
    return await asyncio.to_thread(_known, _refunds(context.data), context.key)


def is_owed(proposal: Proposal) -> str:
    """Let a refund pass of an order that was found in this run, of what was paid, and once."""
    named, cents = proposal.arguments["order_id"], proposal.arguments["cents"]
    if named not in _of(proposal, "find_order"):
        return f"order {named!r} was not found in this run; find it first"
    paid = _order(proposal.data, named).paid_cents
    if cents > paid:
        return f"{named} was paid with {paid} cents, less than {cents}"
    others = [
        each["order_id"]
        for each in _lines(_refunds(proposal.data))
        if each.get("run") != proposal.run_id
    ]
    before = named in others or named in _of(proposal, "refund")
    return f"{named} was refunded before" if before else ""


def _of(proposal: Proposal, tool_name: str) -> list[str]:
    """Return the orders that a tool was called for in this run."""
    return [call.arguments.get("order_id", "") for call in proposal.results_of(tool_name)]


@tool(effect="irreversible", idempotent=True, reconcile=_refunded, second_check=is_owed)
async def refund(
    context: ToolContext, order_id: str, cents: Annotated[int, Field(ge=1, le=1_000_000)]
) -> str:
    """Refund an order. A person is asked first.

    Args:
        context: Of the call.
        order_id: For example A-17.
        cents: Not more than was paid.
    """
    return await asyncio.to_thread(_refund, context, order_id, cents)


def _refund(context: ToolContext, order_id: str, cents: int) -> str:
    order = _order(context.data, order_id)
    if cents > order.paid_cents:
        raise ToolError(f"{order_id} was paid with {order.paid_cents} cents, less than {cents}")
    path = _refunds(context.data)
    with path.open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not _known(path, context.key):
            line = {"key": context.key, "order_id": order_id, "cents": cents}
            file.write(json.dumps(line | {"run": context.run_id}) + "\n")
    return f"refunded {cents} cents for {order_id}"


def _known(path: Path, key: str) -> bool:
    return any(each["key"] == key for each in _lines(path))


def _lines(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _refunds(data: dict[str, str]) -> Path:
    return Path(data["orders"]).with_name(_FILE)


def _order(data: dict[str, str], order_id: str) -> Order:
    path = Path(data["orders"])
    if not path.is_file():
        raise ToolError(f"there is no file of orders at {str(path)!r}; start with --data orders=…")
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row.get("order_id") == order_id:
                return Order.model_validate(row)
    raise ToolError(f"there is no order {order_id!r}")
