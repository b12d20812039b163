"""Billing: says what a customer owes and credits what never came, with every self-check on."""

from pydantic import BaseModel, Field

from agents.billing.tools import account_was_read, credit, read_account
from agents.toolkit import Agent, Phase, prompt
from domain.budget import Limits
from domain.selfcheck import CriticPolicy, EscalationPolicy, VerificationPolicy


class OpenInvoice(BaseModel):
    """An invoice on which something is open."""

    invoice_id: str
    item: str
    open_cents: int = Field(ge=1)


class Statement(BaseModel):
    """What a customer owes, and what was credited."""

    customer: str
    invoices: list[OpenInvoice] = Field(max_length=50)
    total_open_cents: int = Field(ge=0)
    credited_cents: int = Field(ge=0)
    note: str = Field(max_length=500)


AGENT = Agent(
    name="billing",
    description="Says what a customer owes and credits what never came; all of it checked.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[read_account, credit],
    answer=Statement,
    inputs=["invoices"],
    limits=Limits(steps=60),  # each check is a model call too
    critic=CriticPolicy(
        reviews=("irreversible", "answer"),
        constraints=("only the invoice that the goal names may be credited, and in full",),
    ),
    side_prompts={"critic": prompt(__file__, "critic.v1.0.0.md")},
    verification=VerificationPolicy(
        fields=("invoices", "total_open_cents", "note"),
        sources=("read_account",),
    ),
    escalation=EscalationPolicy(route=("openai:gpt-5",)),
    phases=[
        Phase("read the account", [read_account], [account_was_read]),
        Phase("credit", [credit]),
    ],
)
