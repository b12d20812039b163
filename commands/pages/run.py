"""The page of one agent's run: what it answered, turn by turn how, and who decided."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from commands.course import events
from commands.heard import Heard
from commands.pages import curve, sheet
from commands.pages.around import ALONE, Around
from commands.pages.timeline import Budget, Chain, Recorded, ShownTurn, Took, turns
from domain.run import AgentResult
from domain.state import AgentState

_SHOWN: Final = 1_000_000
"""Characters of a transcript that a page holds at most; a browser has to open it."""
_LEAST: Final = 200
"""Characters of one text that are shown however many there are."""
_TOGETHER: Final = 25
"""Turns that are folded into one heading, where there are more than twice as many."""


class Turns(NamedTuple):
    """Turns that are shown under one heading; without one they all stand open."""

    heading: str
    turns: tuple[ShownTurn, ...]
    opened: bool = False


def run_page(
    result: AgentResult,
    state: AgentState | None,
    *,
    live: str = "",
    chain: Chain | None = None,
    budget: Budget | None = None,
    took: Mapping[int, Took] | None = None,
    folded: Mapping[int, Recorded] | None = None,
    recorded: Sequence[ShownTurn] = (),
    sent: Sequence[Heard] = (),
    around: Around = ALONE,
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
        recorded: The turns as the history has them, for where there is no state.
        sent: Who sent which answer, as the server recorded it.
        around: What all pages have.
        started_at: When the run began.
        closed_at: When it ended.
    """
    if budget is None:
        budget = Budget.of(state.spec.limits) if state and state.spec else Budget()
    shown = turns(state, took or {}, folded) if state else list(recorded)
    return sheet.render(
        "run.html.jinja",
        result=result,
        course=events(result),
        state=state,
        live=live,
        chain=chain,
        budget=budget,
        turns=shown,
        groups=grouped(shown),
        curve=curve.spend(shown, budget),
        most=_fair(_lengths_of_turns(shown)),
        most_of_transcript=_fair(_lengths_of_transcript(state)) if state else 0,
        sent=sent,
        around=around,
        started_at=started_at,
        closed_at=closed_at or result.closed_at,
    )


def grouped(shown: Sequence[ShownTurn]) -> list[Turns]:
    """Return the turns under headings, where there are too many to be read one after another."""
    if len(shown) <= 2 * _TOGETHER:
        return [Turns("", tuple(shown))]
    found: list[Turns] = []
    for first in range(0, len(shown), _TOGETHER):
        part = tuple(shown[first : first + _TOGETHER])
        tokens, cost = sum(turn.tokens for turn in part), sum(turn.cost_usd for turn in part)
        calls = sum(len(turn.calls) for turn in part)
        span = f"Turns {part[0].number} to {part[-1].number}"
        heading = f"{span}: {calls:,} calls, {tokens:,} tokens, ${cost:.4f}"
        found.append(Turns(heading, part, opened=first + _TOGETHER >= len(shown)))
    return found


def _lengths_of_turns(shown: Sequence[ShownTurn]) -> list[int]:
    texts = [turn.text for turn in shown]
    for turn in shown:
        for call in turn.calls:
            texts += [call.arguments, call.result or ""]
    return [len(text) for text in texts]


def _lengths_of_transcript(state: AgentState) -> list[int]:
    lengths = [len(message.text) for message in state.messages]
    calls = (call for message in state.messages for call in message.calls)
    return lengths + [len(call.arguments) for call in calls]


def _fair(lengths: Sequence[int]) -> int:
    """Return how much of each text may be shown, so that short ones are whole as long as can be."""
    left, texts = _SHOWN, len(lengths)
    for length in sorted(lengths):
        if length * texts > left:
            return max(left // texts, _LEAST)
        left, texts = left - length, texts - 1
    return _SHOWN
