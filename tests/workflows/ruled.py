"""Agents under rules, for tests of runs."""

from collections.abc import Sequence
from typing import Any

from agents.rules import at_most, distinct, needs, never_after, only_if, owes, total
from agents.toolkit import Agent
from tests.fakes import Say, calls
from tests.workflows.stage import agent
from tests.workflows.world import World, reading, writing

RULES = [
    needs("refund", earlier="lookup", same={"item": "key"}),
    never_after("note", earlier="close", same="item"),
    at_most("mail", 3),
    total("pay", "item", below=100),
    distinct("dial", "item", most=2),
    only_if("ship", earlier="lookup", same={"item": "key"}, field="status", one_of=["paid"]),
    owes("book", by="confirm", same="item"),
]
ORDERS = {"a": '{"status": "paid"}', "b": '{"status": "open"}'}
NAMES = ("refund", "note", "close", "mail", "pay", "dial", "ship", "book", "confirm")


def ruled(world: World, **changes: Any) -> Agent:
    """Return an agent whose writes note what they do, under all rules."""
    tools = [reading(ORDERS), *(writing(world, name, idempotent=True) for name in NAMES)]
    return bare(tools=tools, **({"rules": RULES} | changes))


def bare(**changes: Any) -> Agent:
    """Return an agent that has its rules and no other guard."""
    return agent("tester", **({"guards": None} | changes))


def turn(wanted: Sequence[tuple[Any, ...]]) -> Say:
    """Say all of these calls in one turn."""
    named = (({"lookup": "key"}.get(tool, "item"), tool, item) for tool, item, *_ in wanted)
    return calls(*((tool, {key: item}) for key, tool, item in named))
