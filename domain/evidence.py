"""What a run has read, for those who check what it says; and how that is shown to a model.

What a call brought is data, whoever wrote it: it stands in a mark that it cannot close.
"""

from collections.abc import Sequence
from typing import Any, Final, cast

from domain.acting import CallMade
from domain.contract import canonical, strict_json
from domain.messages import Message, ToolCall
from domain.state import AgentState
from domain.taint import marked, unmarked

# How the results of calls begin that brought nothing, so that no answer can rest on them.
DID_NOT_RUN: Final = ("refused: ", "error: ", "not approved", "dry run: ")
NOTHING: Final = "(no call has brought anything)"
_MOST_NAME: Final = 300


def calls_made(messages: Sequence[Message]) -> tuple[CallMade, ...]:
    """Return the calls that ran; a model may use one id in several turns."""
    made: list[CallMade] = []
    proposed: dict[str, ToolCall] = {}
    for message in messages:
        if message.calls:
            proposed = {call.id: call for call in message.calls}
        call = proposed.pop(message.call_id, None) if message.role == "tool" else None
        if call is not None and not message.text.startswith(DID_NOT_RUN):
            arguments, text = _object(call.arguments), unmarked(message.text)
            made.append(CallMade(tool=call.name, arguments=arguments, text=text))
    return tuple(made)


def calls_of(state: AgentState) -> tuple[CallMade, ...]:
    """Return the calls of a run that ran, also those of turns that were folded away."""
    return (*state.folded_calls, *calls_made(state.messages))


def _object(text: str) -> dict[str, Any]:
    try:
        found = strict_json(text or "{}")
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def name_of(call: CallMade) -> str:
    """Return what a call's result is called where it is shown."""
    return f"{call.tool} {canonical(call.arguments).decode('utf-8', 'replace')}"[:_MOST_NAME]


def within(text: str, most_bytes: int) -> str:
    """Return a text, or as much of its beginning as there is room for."""
    raw = text.encode("utf-8", "replace")
    cut = raw[:most_bytes].decode("utf-8", "ignore")
    return text if len(raw) <= most_bytes else f"{cut}\n[cut: {most_bytes} of {len(raw)} bytes]"


def shown(made: Sequence[CallMade], most_bytes: int) -> str:
    """Return results as data, the last ones whole and of those before what there is room for."""
    parts: list[str] = []
    left = most_bytes
    for call in reversed(made):
        if left <= 0:
            parts.append(f"({len(made) - len(parts)} results before these are not shown)")
            break
        raw = call.text.encode("utf-8", "replace")
        text = raw[:left].decode("utf-8", "ignore")
        left -= len(raw)
        parts.append(marked(f"{name_of(call)}\n{text}{'' if left >= 0 else ' [cut]'}", call.tool))
    return "\n".join(reversed(parts)) or NOTHING
