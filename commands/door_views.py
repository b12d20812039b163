"""How a door shows a run, from the server's lists or from what the database has kept."""

import json
from typing import Any, cast

from pydantic import ValidationError

from commands import reading
from commands.kinds import kinds, name_of
from commands.reading import Closed, Listed
from domain.door import RunEnd, RunView, Waiting
from domain.run import Status
from runtime.runs import Run


def view(listed: Listed) -> RunView:
    """Return a run as the server lists it."""
    waits = "answer" if listed.awaits_approval else "repair" if listed.state == "STOPPED" else ""
    return RunView(
        run_id=listed.run_id,
        workflow=name_of(listed.workflow),
        agent=listed.agent,
        tenant=listed.tenant,
        state=listed.state,
        status=listed.execution.lower(),
        waits=waits if listed.is_open else "",
        cost_usd=listed.cost_usd,
        started_at=listed.started_at,
        closed_at=listed.closed_at,
        parent=listed.parent,
    )


def waiting(run: Listed, said: Status | None) -> Waiting | None:
    """Return what a run waits for; None where it has gone on since the server listed it."""
    question = reading.question(said)
    stop = said.stop if said else None
    if said is not None and question is None and stop is None:
        return None
    return Waiting(
        run_id=run.run_id,
        workflow=name_of(run.workflow),
        agent=run.agent,
        state=said.state if said else run.state,
        started_at=run.started_at,
        parent=run.parent,
        question=question,
        stop=stop,
        answered=said is not None,
    )


def end(workflow: str, run_id: str, closed: Closed, kept: Run | None) -> RunEnd:
    """Return how a run ended.

    One that failed or was cancelled has no result for the server; what it came to is kept.
    """
    name = name_of(workflow)
    result = closed.result
    if result is None and kept is not None and kept.outcome == closed.outcome:
        result = _result(kept)
    return RunEnd(
        run_id=run_id,
        workflow=name,
        outcome=closed.outcome,
        result=None if result is None else whole(name, result),
        failure=closed.failure,
    )


def kept_name(kept: Run) -> str:
    """Return what the workflow of a kept run is called."""
    return name_of(str(_result(kept).get("workflow", "")))


def kept_view(kept: Run) -> RunView:
    """Return what the database knows of a run that the server has forgotten."""
    return RunView(
        run_id=kept.run_id,
        workflow=kept_name(kept),
        agent=kept.agent,
        tenant=kept.tenant,
        status="closed",
        outcome=kept.outcome or "",
        started_at=kept.started_at,
        closed_at=kept.closed_at,
    )


def kept_end(kept: Run) -> RunEnd:
    """Return how a run ended that the server has forgotten."""
    return RunEnd(
        run_id=kept.run_id,
        workflow=kept_name(kept),
        outcome=kept.outcome or "",
        result=whole(kept_name(kept), _result(kept)),
    )


def whole(kind: str, result: dict[str, Any]) -> dict[str, Any]:
    """Return a result with every field that its schema has: a history leaves out defaults."""
    known = kinds().get(kind)
    if known is None:
        return result
    try:
        return known.result.model_validate(result).model_dump(mode="json")
    except ValidationError:  # of another version: it is told as it was kept
        return result


def _result(kept: Run) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(kept.result or "{}"))
