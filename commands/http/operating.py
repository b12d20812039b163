"""Routes for operators: halts, standing approvals, caps and breakers, each act with who did it."""

from decimal import Decimal
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from commands import operating
from commands.http import bodies
from commands.http.auth import Operator
from commands.http.runs import told
from commands.http.service import Served, Service
from commands.http.strict import StrictRoute
from domain.approval import MAX_REASON
from domain.breaker import Breaker
from domain.halts import Halt
from domain.standing import Standing, Terms
from runtime.caps import Cap
from runtime.tokens import Token

ROUTES: Final = APIRouter(prefix="/v1", tags=["operating"], route_class=StrictRoute)
_TOLD: Final = told(400, 409, 413, 415, 422)

Name = Annotated[str, Path(max_length=200, pattern=bodies.ID)]
Period = Annotated[Literal["day", "month"], Path(description="As UTC counts them.")]


class _Body(bodies.Body):
    reason: str = Field(default="", max_length=MAX_REASON, description="Kept with the act.")


class WhatToHalt(_Body):
    """What is to be halted, or to go on."""

    scope: Literal["run", "agent", "tenant", "all"] = Field(
        description="`run`: and all below it. `agent` and `all` concern every tenant, and are for "
        "operators of the fleet."
    )
    name: str = Field(
        default="",
        max_length=500,
        pattern=bodies.PLAIN,
        description="The run, the agent or the tenant; empty for `all`, and for one's own tenant.",
    )


class Grant(_Body):
    """A standing approval to be given."""

    agent: str = Field(max_length=64)
    tool: str = Field(max_length=64, description="One of the agent's that writes.")
    tenant: str = Field(default="", max_length=64, description="Where it is not the token's.")
    uses: int = Field(default=1_000, ge=1, le=1_000_000, description="Calls that it covers.")
    hours: float = Field(default=24, gt=0, le=24 * 366, description="How long it holds.")
    max_error_rate: float = Field(default=0.1, ge=0, le=1)
    min_reviews: int = Field(default=10, ge=1, le=1_000_000)


class Amounts(bodies.Body):
    """What may be spent."""

    usd: float | None = Field(default=None, ge=0, le=1e9)
    tokens: int | None = Field(default=None, ge=0, le=10**15)


class Halted(BaseModel):
    """A halt that stands.

    Attributes:
        new: This request has placed it, not an earlier one.
        open_runs: How many runs it concerns now.
    """

    halt: Halt
    new: bool
    open_runs: int


class Halts(BaseModel):
    """What is halted, newest first."""

    halts: list[Halt]


class Lifted(BaseModel):
    """What was halted and goes on."""

    lifted: list[Halt]


class StandingApprovals(BaseModel):
    """Standing approvals, newest first."""

    standing: list[Standing]


class Revoke(_Body):
    """Why it ends."""


class CapView(BaseModel):
    """A cap, and what of it is used in the present day or month."""

    tenant: str
    period: str
    tokens: int | None
    cost_usd: str | None
    used_tokens: int
    used_cost_usd: str
    set_by: str


class CapList(BaseModel):
    """Caps, by tenant."""

    caps: list[CapView]


class Removed(BaseModel):
    """A cap is gone."""

    tenant: str
    period: str


class Breakers(BaseModel):
    """Breakers, which all tenants share."""

    breakers: list[Breaker]


@ROUTES.get("/halts", responses=told())
async def list_halts(service: Served, token: Operator) -> Halts:
    """List the halts that concern the tenant's runs; of the fleet, all."""
    return Halts(halts=await _operator(service, token).halts())


@ROUTES.post("/halts", responses=told(400, 404, 413, 415, 422))
async def place_halt(body: WhatToHalt, service: Served, token: Operator) -> Halted:
    """Stop runs before their next model or tool call; what has begun ends. It holds at once."""
    operator = _operator(service, token)
    halt, new, runs = await operator.halt(body.scope, body.name, body.reason)
    return Halted(halt=halt, new=new, open_runs=runs)


@ROUTES.post("/halts/lift", responses=told(400, 404, 409, 413, 415, 422))
async def lift_halt(body: WhatToHalt, service: Served, token: Operator) -> Lifted:
    """Lift a halt: what waited goes on by itself.

    A tenant's operators lift what they have placed; what the fleet's have, only those lift.
    """
    operator = _operator(service, token)
    return Lifted(lifted=list(await operator.unhalt(body.scope, body.name, body.reason)))


@ROUTES.get("/standing", responses=told(422))
async def list_standing(
    service: Served,
    token: Operator,
    *,
    ended: Annotated[bool, Query(description="Also those that hold no longer.")] = False,
) -> StandingApprovals:
    """List the tenant's standing approvals."""
    return StandingApprovals(standing=await _operator(service, token).standing(ended=ended))


@ROUTES.post("/standing", status_code=201, responses=told(400, 413, 415, 422))
async def grant_standing(body: Grant, service: Served, token: Operator) -> Standing:
    """Let calls of a tool run without asking, so many and so long.

    Whoever can start the tenant's runs, by this token or another of the same name, cannot.
    """
    terms = Terms(
        uses=body.uses,
        hours=body.hours,
        max_error_rate=body.max_error_rate,
        min_reviews=body.min_reviews,
    )
    operator = _operator(service, token)
    return await operator.grant(body.agent, body.tool, terms, body.reason, body.tenant)


@ROUTES.post("/standing/{standing_id}/revoke", responses=_TOLD)
async def revoke_standing(
    standing_id: Name, body: Revoke, service: Served, token: Operator
) -> Standing:
    """End a standing approval at once; calls from now on ask again."""
    return await _operator(service, token).revoke(standing_id, body.reason)


@ROUTES.get("/caps", responses=told())
async def list_caps(service: Served, token: Operator) -> CapList:
    """List the tenant's caps, with what is used of each; of the fleet, all."""
    return CapList(caps=[_cap(each) for each in await _operator(service, token).caps()])


@ROUTES.put("/caps/{tenant}/{period}", responses=told(400, 413, 415, 422))
async def set_cap(
    tenant: Name, period: Period, body: Amounts, service: Served, token: Operator
) -> CapView:
    """Cap a tenant's spend, in place of its cap for the same period. For the fleet's operators."""
    usd = None if body.usd is None else Decimal(str(body.usd))
    return _cap(await _operator(service, token).cap(tenant, period, body.tokens, usd))


@ROUTES.delete("/caps/{tenant}/{period}", responses=told(409, 422))
async def remove_cap(tenant: Name, period: Period, service: Served, token: Operator) -> Removed:
    """Take a cap away. For the fleet's operators."""
    await _operator(service, token).uncap(tenant, period)
    return Removed(tenant=tenant, period=period)


@ROUTES.get("/breakers", responses=told())
async def list_breakers(service: Served, token: Operator) -> Breakers:
    """List the breakers of tools and providers. For the fleet's operators."""
    return Breakers(breakers=await _operator(service, token).breakers())


@ROUTES.post("/breakers/{name}/reset", responses=told(409, 422))
async def reset_breaker(name: Name, service: Served, token: Operator) -> Breaker:
    """Let calls through again at once. For the fleet's operators."""
    return await _operator(service, token).reset(name)


def _operator(service: Service, token: Token) -> operating.Operator:
    return operating.Operator(service.session, token.tenant, token.name, token.id)


def _cap(cap: Cap) -> CapView:
    return CapView(
        tenant=cap.tenant,
        period=cap.period,
        tokens=cap.tokens,
        cost_usd=None if cap.cost_usd is None else f"{cap.cost_usd:f}",
        used_tokens=cap.used_tokens,
        used_cost_usd=f"{cap.used_cost_usd:f}",
        set_by=cap.set_by,
    )
