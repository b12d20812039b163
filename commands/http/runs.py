"""Routes: start a run, see it, end it."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from commands.http import bodies
from commands.http.auth import Canceller, Reader, Starter, door
from commands.http.problems import Problem, ProblemError, phrase
from commands.http.service import Served
from commands.http.strict import StrictRoute
from domain.door import Page, RunEnd, RunView, Started
from runtime.tokens import Token

ROUTES: Final = APIRouter(prefix="/v1", tags=["runs"], route_class=StrictRoute)
_LATER: Final = "2"  # seconds; a run takes some


def told(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what the document says of a route's problems."""
    return {
        status: {"model": Problem, "description": phrase(status)}
        for status in (401, 403, *statuses, 503)
    }


class Asked(BaseModel):
    """A run was asked to stop."""

    run_id: str
    cancel_requested: bool = True


@ROUTES.post(
    "/runs",
    status_code=HTTPStatus.CREATED,
    responses={
        200: {"model": Started, "description": "The key's run, started by an earlier request."},
        **told(400, 413, 415, 422),
    },
)
async def start_run(
    body: bodies.StartRun, key: bodies.Key, service: Served, token: Starter, response: Response
) -> Started:
    """Start a run, once for each idempotency key.

    The same key with the same input is the same run, whichever copy of the service is asked, and
    however many ask at once. With another input it is refused. No worker need be there: the run
    waits for one. An input that a workflow takes can still come to be rejected by it: that is an
    outcome of the run.
    """
    _check_allowed(token, body.workflow)
    started = await door(service, token).start(body.workflow, body.input, key)
    response.status_code = HTTPStatus.CREATED if started.new else HTTPStatus.OK
    response.headers["Location"] = f"/v1/runs/{started.run_id}"
    return started


@ROUTES.get("/runs", responses=told(422))
async def list_runs(
    service: Served,
    token: Reader,
    *,
    limit: Annotated[int, Query(ge=1, le=200, description="How many at most.")] = 50,
    after: Annotated[str, Query(max_length=2000, description="`next` of the page before.")] = "",
    workflow: Annotated[str, Query(max_length=100, description="Only these.")] = "",
    state: Annotated[
        str, Query(max_length=50, pattern=bodies.PLAIN, description="Only in this state.")
    ] = "",
) -> Page:
    """List the tenant's runs, newest first, with those below others.

    The list lags behind by up to a second; one run's own page does not.
    """
    return await door(service, token).runs(limit=limit, after=after, workflow=workflow, state=state)


@ROUTES.get(
    "/runs/{run_id:path}/result",
    responses={
        202: {"model": RunView, "description": "It is under way; ask again."},
        **told(404, 422),
    },
    response_model=RunEnd | RunView,
)
async def get_result(
    run_id: bodies.RunId,
    service: Served,
    token: Reader,
    response: Response,
    wait: bodies.Wait = 0,
) -> RunEnd | RunView:
    """Return how a run ended; 202 while it is under way.

    Also of a run whose history the server has forgotten: the database has kept its result.
    """
    opened = door(service, token)
    ended = await opened.result(run_id, wait)
    if ended is not None:
        return ended
    response.status_code = HTTPStatus.ACCEPTED
    response.headers["Retry-After"] = _LATER
    return await opened.status(run_id)


@ROUTES.post(
    "/runs/{run_id:path}/cancel",
    status_code=HTTPStatus.ACCEPTED,
    responses=told(404, 409, 422),
)
async def cancel_run(run_id: bodies.RunId, service: Served, token: Canceller) -> Asked:
    """Ask a run to end; it undoes what it can first, and closes as cancelled.

    With the scope `start`, of runs that were started in the token's name; with `cancel`, of all.
    """
    await door(service, token).cancel(run_id)
    return Asked(run_id=run_id)


LAST: Final = APIRouter(prefix="/v1", tags=["runs"], route_class=StrictRoute)
"""Its path would swallow the others' endings, so it comes after them."""


@LAST.get("/runs/{run_id:path}", responses=told(404, 422))
async def get_run(run_id: bodies.RunId, service: Served, token: Reader) -> RunView:
    """Return where a run is: its state, spend, open question or stop."""
    return await door(service, token).status(run_id)


def _check_allowed(token: Token, workflow: str) -> None:
    if token.workflows and workflow not in token.workflows:
        raise ProblemError(
            HTTPStatus.FORBIDDEN,
            "not-allowed",
            f"the token of {token.name!r} may start only {', '.join(token.workflows)}",
        )
