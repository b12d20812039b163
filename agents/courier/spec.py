"""The courier: a carrier that may be down, with a tariff to fall back on."""

from agents.courier.tools import carrier_book, carrier_quote, carrier_track, tariff_quote
from agents.toolkit import Agent, prompt
from domain.budget import Limits
from domain.loops import LoopPolicy

AGENT = Agent(
    name="courier",
    description="Prices a parcel and books its pick-up with a carrier that may be away.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[carrier_quote, tariff_quote, carrier_track, carrier_book],
    inputs=["carrier"],
    # A carrier that stays away makes nobody go in circles.
    loops=LoopPolicy(ladder=("nudge",)),
    limits=Limits(steps=60, tokens=400_000),
)
