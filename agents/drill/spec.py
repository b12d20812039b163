"""The drill agent: a script of tool calls, with no limit in the way."""

from decimal import Decimal

from agents.drill.checks import no_draft
from agents.drill.tools import (
    drill_ask,
    drill_charge,
    drill_look,
    drill_pay,
    drill_transfer,
    drill_wire,
)
from agents.toolkit import Agent, prompt
from domain.budget import Limits

AGENT = Agent(
    name="drill",
    description="Failure drills: each kind of effect, held where the drill strikes.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[drill_look, drill_pay, drill_charge, drill_transfer, drill_wire, drill_ask],
    checks=[no_draft],
    revisions=10,
    limits=Limits(steps=1_000, tokens=10**9, cost_usd=Decimal(100_000), wall_clock_s=86_400),
    inputs=["drill"],
)
