"""Refunds: finds an order and refunds it where that is right."""

from pydantic import BaseModel, Field

from agents.refunds.tools import find_order, refund
from agents.rules import at_most, needs, only_if, total
from agents.toolkit import Agent, prompt

MOST_CENTS = 500_000  # of one run, all its refunds together


class Refund(BaseModel):
    """What a request for a refund came to."""

    order_id: str
    refunded_cents: int = Field(ge=0)
    note: str = Field(max_length=500)


AGENT = Agent(
    name="refunds",
    description="Refunds an order where that is right; a person approves each refund.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[find_order, refund],
    answer=Refund,
    inputs=["orders"],
    rules=[
        needs("refund", earlier="find_order", same="order_id"),
        only_if("refund", "cents", earlier="find_order", field="paid_cents", same="order_id"),
        at_most("refund", 1, per="order_id"),
        total("refund", "cents", up_to=MOST_CENTS),
    ],
)
