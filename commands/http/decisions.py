"""Routes: what waits for a person, and their answers."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from commands.http import bodies
from commands.http.auth import Approver, Mender, Reader, door
from commands.http.runs import told
from commands.http.service import Served
from commands.http.strict import StrictRoute
from domain.approval import Decision
from domain.door import Waiting

ROUTES: Final = APIRouter(prefix="/v1", tags=["decisions"], route_class=StrictRoute)
_TOLD: Final = told(400, 404, 409, 413, 415, 422)


class Approvals(BaseModel):
    """What waits for a person, the oldest run first."""

    waiting: list[Waiting]


class GoesOn(BaseModel):
    """A stopped run was answered."""

    run_id: str
    verdict: str = Field(examples=["retry"])


@ROUTES.get("/approvals", responses=told(422))
async def list_approvals(
    service: Served,
    token: Reader,
    below: Annotated[
        str,
        Query(
            max_length=500,
            pattern=bodies.PLAIN,
            description="Only in this run and in the runs below it.",
        ),
    ] = "",
    limit: Annotated[int, Query(ge=1, le=1000, description="How many at most.")] = 200,
) -> Approvals:
    """List what waits for a person: open questions, and runs that are stopped.

    Of more than `limit` these are the newest; answered ones make room for the others.
    """
    return Approvals(waiting=list(await door(service, token).approvals(below, limit)))


@ROUTES.post("/runs/{run_id:path}/approvals/{approval_id}", responses=_TOLD)
async def answer_question(
    run_id: bodies.RunId,
    approval_id: bodies.ApprovalId,
    body: bodies.Answer,
    service: Served,
    token: Approver,
) -> Decision:
    """Answer an open question, in the name of the token.

    The run itself takes the answer: 409 says that it could not count, and why (the question is
    answered already, another one is open, the arguments do not fit, the run has closed). What
    was approved is exactly what the question showed. The same answer sent again is told the same.
    Who asked for the run, or for a run above it, cannot answer: 403.
    """
    return await door(service, token).decide(
        run_id, approval_id, body.verdict, reason=body.reason, arguments=body.arguments
    )


@ROUTES.post("/runs/{run_id:path}/stop", responses=_TOLD)
async def answer_stop(
    run_id: bodies.RunId, body: bodies.Onward, service: Served, token: Mender
) -> GoesOn:
    """Say how a stopped run goes on, in the name of the token."""
    verdict = await door(service, token).unstop(run_id, body.verdict, reason=body.reason)
    return GoesOn(run_id=run_id, verdict=verdict)
