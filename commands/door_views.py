"""How a door shows a run, from the server's lists or from what the database has kept."""

import json
from typing import Any, cast

from commands import reading
from commands.kinds import name_of
from commands.reading import Listed
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
        result=_result(kept),
    )


def _result(kept: Run) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(kept.result or "{}"))
