"""Starting a run under an id that stands for it: twice is once."""

import secrets
from dataclasses import dataclass
from typing import Any

from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from commands import console
from commands.errors import CommandError, Exit, Misuse
from commands.session import NO_WORKER, Session
from domain.contract import Contract

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_MAX_ID = 200


@dataclass(frozen=True)
class Start:
    """What is to be started.

    Attributes:
        id: Empty for a new one.
        prefix: What a new id begins with.
        again: Start anew where the run under `id` has closed.
        detach: Nobody waits for it, so that it may start before its worker does.
    """

    workflow: str
    request: Contract | dict[str, Any]
    prefix: str
    id: str = ""
    again: bool = False
    detach: bool = False

    def __post_init__(self) -> None:
        """Refuse an id that cannot be one before anything is connected."""
        checked_id(self.id)


@dataclass(frozen=True)
class Started:
    """The run that now stands under the id.

    Attributes:
        new: It was started by this call.
        closed: It had ended before; its result is what the caller gets.
    """

    run_id: str
    new: bool
    closed: bool = False


async def start(session: Session, wanted: Start) -> Started:
    """Start a run, or find the one that stands under its id.

    Raises:
        CommandError: No worker would do it, or the id belongs to something else.
    """
    run_id = wanted.id or f"{wanted.prefix}-{_suffix()}"
    if wanted.id:
        found = await _existing(session, run_id, wanted)
        if found is not None:
            return found
    if not wanted.detach:
        await session.need_worker()
    elif not await session.workers():
        console.warn(f"no worker serves {session.settings.task_queue!r} yet; {NO_WORKER}")
    try:
        await session.client.start_workflow(
            wanted.workflow,
            wanted.request,
            id=run_id,
            task_queue=session.settings.task_queue,
            # Two that start the same id at once get the same run.
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=(
                WorkflowIDReusePolicy.ALLOW_DUPLICATE
                if wanted.again
                else WorkflowIDReusePolicy.REJECT_DUPLICATE
            ),
        )
    except WorkflowAlreadyStartedError:
        return Started(run_id, new=False, closed=True)
    return Started(run_id, new=True)


def checked_id(run_id: str) -> None:
    """Refuse what cannot be a run's id; an empty one stands for a new one.

    Raises:
        Misuse: It is too long, or has characters that no shell or address likes.
    """
    fits = all(part.isalnum() or part in "-_.:" for part in run_id) and run_id.isascii()
    if (run_id and not fits) or len(run_id) > _MAX_ID:
        raise Misuse(
            f"--id {run_id[:80]!r}: expected at most {_MAX_ID} letters, digits and . _ : - "
            "(no personal data: ids are not encrypted)"
        )


def announce(session: Session, started: Started) -> None:
    """Say where the run can be seen."""
    if started.closed:
        console.note(f"run {started.run_id} had closed; this is its result (--again starts anew)")
    elif started.new:
        page = session.page(started.run_id)
        console.note(f"run {started.run_id}" + (f"  {page}" if page else ""))
    else:
        console.note(f"run {started.run_id} is under way already")


def started_only(started: Started, *, as_json: bool) -> Exit:
    """Report a run that nobody waits for."""
    if as_json:
        console.emit({"run_id": started.run_id, "started": started.new})
    else:
        console.out().print(started.run_id)
        console.note(f"watch it with: python starter.py watch {started.run_id}")
    return Exit.OK


async def _existing(session: Session, run_id: str, wanted: Start) -> Started | None:
    try:
        found = await session.handle(run_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    if found.workflow_type != wanted.workflow:
        raise CommandError(
            f"the id {run_id!r} belongs to a run of {found.workflow_type}, not of "
            f"{wanted.workflow}; give another --id"
        )
    is_open = found.close_time is None
    if is_open and wanted.again:
        raise CommandError(
            f"run {run_id!r} is under way, so it cannot start again; "
            f"`python starter.py cancel {run_id}` ends it"
        )
    if not is_open and wanted.again:
        return None
    return Started(run_id, new=False, closed=not is_open)


def _suffix() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))
