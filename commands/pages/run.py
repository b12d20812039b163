"""The page of one agent's run: what it answered, turn by turn how, and who decided."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from commands.course import events
from commands.pages import curve, sheet
from commands.pages.timeline import Budget, Chain, Recorded, Sent, Took, turns
from domain.run import AgentResult
from domain.state import AgentState

_SHOWN: Final = 3_000_000
"""Characters of a transcript that a page holds at most; a browser has to open it."""


def run_page(
    result: AgentResult,
    state: AgentState | None,
    *,
    live: str = "",
    chain: Chain | None = None,
    budget: Budget | None = None,
    took: Mapping[int, Took] | None = None,
    folded: Mapping[int, Recorded] | None = None,
    sent: Sequence[Sent] = (),
    started_at: datetime | None = None,
    closed_at: datetime | None = None,
) -> str:
    """Return one self-contained HTML page.

    Args:
        result: What the run came to, or has come to so far.
        state: Its transcript and turns; None where nobody can tell them.
        live: State of a run under way; empty for one that has closed.
        chain: What recomputing the hash chain came to; None where it was not recomputed.
        budget: The run's limits, where the state holds no spec.
        took: Time and attempts of model calls, by their number from 1.
        folded: What the history has of turns that were folded away, by number.
        sent: Who sent which answer, as the server recorded it.
        started_at: When the run began.
        closed_at: When it ended.
    """
    if budget is None:
        budget = Budget.of(state.spec.limits) if state and state.spec else Budget()
    shown = turns(state, took or {}, folded) if state else []
    return sheet.render(
        "run.html.jinja",
        result=result,
        course=events(result),
        state=state,
        live=live,
        chain=chain,
        budget=budget,
        turns=shown,
        curve=curve.spend(shown, budget),
        most=max(400, _SHOWN // max(len(state.messages), 1)) if state else 0,
        sent=sent,
        started_at=started_at,
        closed_at=closed_at or result.closed_at,
    )
