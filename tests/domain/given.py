"""What the tests of the rules begin with: a question, a run's state, any JSON."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from domain.approval import (
    Question,
)
from domain.messages import Message, ToolCall
from domain.state import AgentState, Turn

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def question(**changes: Any) -> Question:
    """Return an open question."""
    told: dict[str, Any] = {
        "kind": "call", "title": "run pay", "why": "it pays", "id": "q1", "asked_at": NOW,
        "silent_at": NOW + timedelta(days=3), "tool": "pay", "arguments": {"item": "5"},
        "silence": "the answer is no",
    }  # fmt: skip
    return Question(**(told | changes))


def state(turns: int) -> AgentState:
    """Return the state of a run that has called one tool a turn."""
    found = AgentState(lineage="run")
    found.add(Message(role="user", text="task"), made=False)
    for number in range(turns):
        call = ToolCall(id=f"c{number}", name="look", arguments=f'{{"n": {number}}}')
        found.add(Message(role="assistant", calls=(call,)), made=True)
        found.turns.append(
            Turn(
                messages=len(found.messages),
                tokens=10 * (number + 1),
                cost_usd=Decimal(number + 1),
                model="m",
            )
        )
        found.add(Message(role="tool", text=str(number), call_id=call.id), made=True)
    return found
