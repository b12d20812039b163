"""What somebody tries at a server that asks for signed names, and what they are told."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from bench.authority.server import connected

Try = Callable[[Client, str], Awaitable[Any]]
DENIED: Final = "denied"
ALLOWED: Final = "allowed"
_NO: Final = frozenset({RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED})


async def _list(client: Client, _: str) -> None:
    found = client.list_workflows(limit=1)
    await found.fetch_next_page()


async def _look(client: Client, run_id: str) -> None:
    await client.get_workflow_handle(run_id).describe()


async def _read(client: Client, run_id: str) -> None:
    await anext(client.get_workflow_handle(run_id).fetch_history_events(page_size=1))


async def _ask(client: Client, run_id: str) -> None:
    await client.get_workflow_handle(run_id).query("status")


async def _signal(client: Client, run_id: str) -> None:
    # One that names no open question: whoever may send it changes nothing by it.
    nothing = {"approval_id": "another question", "by": "the board"}
    await client.get_workflow_handle(run_id).signal("approve", nothing)


async def _update(client: Client, run_id: str) -> None:
    handle = client.get_workflow_handle(run_id)
    try:
        await handle.execute_update(  # pyright: ignore[reportUnknownMemberType]
            "decide", {"verdict": "approve", "approval_id": "another"}
        )
    except RPCError:
        raise
    except Exception:  # noqa: BLE001 - the run refused it: so the server has let it pass
        return


async def _start(client: Client, _: str) -> None:
    # On a queue that nobody serves: it is ended at once.
    handle = await client.start_workflow("AgentWorkflow", {}, id=f"x-{uuid4()}", task_queue="none")
    await handle.terminate()


async def _cancel(client: Client, _: str) -> None:
    await client.get_workflow_handle("no such run").cancel()


TRIES: Final[dict[str, Try]] = {
    "list runs": _list,
    "describe": _look,
    "read the history": _read,
    "query": _ask,
    "signal approve": _signal,
    "update decide": _update,
    "start": _start,
    "cancel": _cancel,
}


@dataclass(frozen=True)
class Caller:
    """Somebody with a name, signed or not."""

    who: str
    name: str | None


async def tried(address: str, caller: Caller, run_id: str) -> dict[str, str]:
    """Return what came of each attempt."""
    try:
        client = await connected(address, caller.name, patience_s=0)
    except RuntimeError as error:  # a name that is no name is turned away at the first word
        if "PermissionDenied" not in str(error):
            raise
        return dict.fromkeys(TRIES, DENIED)
    return {what: await _told(attempt, client, run_id) for what, attempt in TRIES.items()}


async def _told(attempt: Try, client: Client, run_id: str) -> str:
    try:
        await attempt(client, run_id)
    except RPCError as error:
        if error.status in _NO:
            return DENIED
        if error.status is not RPCStatusCode.NOT_FOUND:  # of what is not there: it was let look
            return error.message
    return ALLOWED
