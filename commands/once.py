"""Starting a run once for each idempotency key, whichever copy of a door is asked, and when.

The key is the run's id, which the Temporal server gives away once; what it was given away for
lies in the run's memo. Once the server has forgotten the run, the database still knows it.
"""

from dataclasses import dataclass
from typing import Final

from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from commands import door_views
from commands.kinds import Kind
from commands.refusals import KeyReused
from commands.tenancy import Tenancy
from domain.contract import Contract
from domain.door import Started

_TENANT = SearchAttributeKey.for_keyword("Tenant")
_AGENT = SearchAttributeKey.for_keyword("AgentName")
_MEMO: Final = "door"


@dataclass(frozen=True)
class Wanted:
    """A start.

    Attributes:
        print: Hash of what the caller asked for: the same again is the same start.
    """

    run_id: str
    kind: Kind
    request: Contract
    print: str


async def start_once(of: Tenancy, wanted: Wanted) -> Started:
    """Start a run, or return the one that was started before.

    Raises:
        KeyReused: That was for another input.
    """
    if await _is_kept_only(of, wanted.run_id):
        kept = await of.need_kept(wanted.run_id)
        name = door_views.kept_name(kept)
        return Started(run_id=kept.run_id, workflow=name, new=False, closed=True)
    agent = getattr(wanted.request, "agent", "") or wanted.kind.face
    try:
        await of.session.client.start_workflow(
            wanted.kind.workflow,
            wanted.request,
            id=wanted.run_id,
            task_queue=of.session.settings.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            memo={_MEMO: wanted.print},
            # At once and not only with its first step: the tenant can see it from now on.
            search_attributes=TypedSearchAttributes(
                [SearchAttributePair(_TENANT, of.tenant), SearchAttributePair(_AGENT, agent)]
            ),
        )
    except WorkflowAlreadyStartedError:
        return await _same(of, wanted)
    return Started(run_id=wanted.run_id, workflow=wanted.kind.name, new=True)


async def _is_kept_only(of: Tenancy, run_id: str) -> bool:
    """Whether the server has forgotten a run that the database has kept."""
    kept = await of.kept(run_id)
    if kept is None or kept.result is None:
        return False
    try:
        await of.session.handle(run_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return True
        raise
    return False


async def _same(of: Tenancy, wanted: Wanted) -> Started:
    """Return the run that the key stands for, once it is known to be the same start."""
    found = await of.described(wanted.run_id)
    if await found.memo_value(_MEMO, "") != wanted.print:
        raise KeyReused(
            "the idempotency key was used before, for another input; a key stands for one start: "
            f"send another key, or the same input (its run is {wanted.run_id!r})"
        )
    closed = found.close_time is not None
    return Started(run_id=wanted.run_id, workflow=wanted.kind.name, new=False, closed=closed)
