"""The runs that a halt concerns: how many there are, and which wait for it to be lifted."""

import asyncio
from collections.abc import Sequence

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from commands.reading import AGENT_WORKFLOW, OURS, quoted
from domain.halts import Halt, Lifted

_AT_ONCE = 10
# A run that was held back at the very moment of the lifting is listed as waiting a little later.
_LOOKS = 3
_BETWEEN_S = 1.0


async def open_runs(client: Client, halt: Halt) -> int:
    """Return how many runs are open that a halt concerns."""
    return (await client.count_workflows(_query(halt))).count


async def tell(client: Client, halts: Sequence[Halt]) -> list[str]:
    """Tell the runs that wait that halts were lifted; return their ids.

    One that is missed finds out by itself. One that waits for something else takes no notice.
    """
    told: dict[str, None] = {}
    for look in range(_LOOKS):
        new = [run for halt in halts for run in await _waiting(client, halt) if run not in told]
        room = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(*(_tell(client, run, halts, room) for run in dict.fromkeys(new)))
        told |= dict.fromkeys(new)
        if look and not new:
            break
        await asyncio.sleep(_BETWEEN_S)
    return list(told)


async def _waiting(client: Client, halt: Halt) -> list[str]:
    query = f"{_query(halt, waiting=True)} AND AgentState = 'STOPPED'"
    return [found.id async for found in client.list_workflows(query)]


async def _tell(
    client: Client, run_id: str, halts: Sequence[Halt], room: asyncio.Semaphore
) -> None:
    last = halts[-1]
    word = Lifted(
        ids=tuple(halt.id for halt in halts), by=last.lifted_by, reason=last.lifted_why
    ).model_dump(mode="json")
    async with room:
        try:
            await client.get_workflow_handle(run_id).signal("unhalted", word)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # it has closed meanwhile
                raise


def _query(halt: Halt, *, waiting: bool = False) -> str:
    name = quoted(halt.name)
    agent = f"AgentName = '{name}'"
    if waiting:
        # A run of several goes by its own name, whichever agents' tools it waits for.
        agent = f"({agent} OR WorkflowType != '{AGENT_WORKFLOW}')"
    whose = {
        "all": "",
        "tenant": f" AND Tenant = '{name}'",
        "agent": f" AND {agent}",
        "run": f" AND (WorkflowId = '{name}' OR WorkflowId STARTS_WITH '{name}/')",
    }
    return f"{OURS} AND ExecutionStatus = 'Running'{whose[halt.scope]}"
