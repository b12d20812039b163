"""Who asked for a run: its own requester, and those of the runs above it.

They are read from the runs' inputs, where a door wrote them when it started the run: nobody who
answers can say anything about it.
"""

from typing import Any, Final, cast

from commands import history, reading
from commands.errors import CommandError
from commands.session import Session

_MOST_ABOVE: Final = 100  # runs above one; agents may call agents a few deep


async def requesters(session: Session, run_id: str) -> frozenset[str]:
    """Return the names of all who asked for a run, or for a run above it.

    Raises:
        CommandError: One of them cannot be looked at, so nothing can be said.
    """
    found: set[str] = set()
    at = run_id
    for _ in range(_MOST_ABOVE):
        found.add(await _asked(session, at))
        at = (await reading.described(session, at)).parent_id or ""
        if not at:
            return frozenset(found - {""})
    raise CommandError(f"run {run_id!r} has more than {_MOST_ABOVE} runs above it")


async def _asked(session: Session, run_id: str) -> str:
    """Return who asked for one run, as its latest execution was told."""
    events = session.handle(run_id).fetch_history_events(page_size=1)
    first = await anext(events)
    payloads = first.workflow_execution_started_event_attributes.input
    given: Any = await history.decoded(session.client.data_converter, payloads)
    request = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    return str(request.get("by") or "")
