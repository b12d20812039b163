"""Tools over a file of orders; refunds go into a file beside it, one line each."""

import asyncio
import csv
import fcntl
import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from agents.toolkit import ToolContext, ToolError, tool

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
    return await asyncio.to_thread(_order, context, order_id)


async def _refunded(context: ToolContext) -> bool:
    return await asyncio.to_thread(_known, _refunds(context), context.key)


@tool(effect="irreversible", idempotent=True, reconcile=_refunded)
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
    order = _order(context, order_id)
    if cents > order.paid_cents:
        raise ToolError(f"{order_id} was paid with {order.paid_cents} cents, less than {cents}")
    path = _refunds(context)
    with path.open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not _known(path, context.key):
            line = {"key": context.key, "order_id": order_id, "cents": cents}
            file.write(json.dumps(line) + "\n")
    return f"refunded {cents} cents for {order_id}"


def _known(path: Path, key: str) -> bool:
    if not path.is_file():
        return False
    lines = path.read_text(encoding="utf-8").splitlines()
    return any(json.loads(line)["key"] == key for line in lines)


def _refunds(context: ToolContext) -> Path:
    return Path(context.data["orders"]).with_name(_FILE)


def _order(context: ToolContext, order_id: str) -> Order:
    path = Path(context.data["orders"])
    if not path.is_file():
        raise ToolError(f"there is no file of orders at {str(path)!r}; start with --data orders=…")
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row.get("order_id") == order_id:
                return Order.model_validate(row)
    raise ToolError(f"there is no order {order_id!r}")
