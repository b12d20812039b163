"""`approvals`, `approve`, `reject`, `modify`: the questions that wait for a person."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from commands import console, options, reading, views
from commands.errors import CommandError, Exit, Misuse
from commands.session import Session, session, whoami
from domain.approval import Decision, Question

ApprovalId = Annotated[
    str, typer.Option("--approval-id", help="The question that is meant, as `approvals` shows it.")
]
Arguments = Annotated[
    str, typer.Option("--arguments", metavar="JSON", help="What shall run instead, an object.")
]


async def approvals(json: options.Json = False) -> Exit:
    """List the questions that wait for a person, oldest first."""
    query = f"{reading.OURS} AND ExecutionStatus = 'Running' AND AwaitingApproval = true"
    async with session() as opened:
        runs = [reading.listed(found) async for found in opened.client.list_workflows(query)]
        asked = [(run, reading.question(await reading.status(opened, run.run_id))) for run in runs]
    if json:
        console.emit([_row(run, question) for run, question in asked])
        return Exit.OK
    if not asked:
        console.note("nobody waits for an answer")
        return Exit.OK
    known = [(run, question) for run, question in asked if question is not None]
    for run, question in sorted(known, key=lambda pair: pair[1].asked_at):
        console.out().print(views.question(run.run_id, question))
    silent = [run.run_id for run, question in asked if question is None]
    if silent:
        console.warn(f"no worker can say what these ask: {', '.join(silent)}")
    return Exit.OK


def _ruling(verdict: str, says: str) -> Callable[..., Coroutine[Any, Any, Exit]]:
    """Return the command that answers an open question with `verdict`."""

    async def command(
        run_id: options.RunId,
        reason: options.Reason = "",
        by: options.By = "",
        approval_id: ApprovalId = "",
        json: options.Json = False,
    ) -> Exit:
        return await _decide(run_id, verdict, _fields(reason, by, approval_id), as_json=json)

    command.__name__, command.__doc__ = verdict, says
    return command


approve = _ruling("approve", "Say yes to a run's open question: exactly what it showed happens.")
reject = _ruling("reject", "Say no to a run's open question; the reason is told to the model.")


async def modify(
    run_id: options.RunId,
    *,
    arguments: Arguments = "",
    reason: options.Reason = "",
    by: options.By = "",
    approval_id: ApprovalId = "",
    json: options.Json = False,
) -> Exit:
    """Say yes with other arguments; they are checked as the model's are."""
    if not arguments:
        raise Misuse("modify needs --arguments '{...}': what shall run instead")
    fields = _fields(reason, by, approval_id)
    fields["arguments"] = options.json_object(arguments, "--arguments")
    return await _decide(run_id, "modify", fields, as_json=json)


async def decide(opened: Session, run_id: str, verdict: str, fields: dict[str, Any]) -> Decision:
    """Answer a run's question; the run says at once if the answer cannot count.

    Raises:
        CommandError: There is no such run, it has closed, or no worker serves it.
        WorkflowUpdateFailedError: The answer cannot count.
    """
    found = reading.listed(await reading.described(opened, run_id))
    if not found.is_open:
        raise CommandError(
            f"run {run_id!r} has closed ({found.execution.lower()}); nothing was changed"
        )
    await need_worker(opened)
    return await opened.update(run_id, "decide", {"verdict": verdict, **fields}, Decision)


async def need_worker(opened: Session) -> None:
    """Refuse an answer that nobody could take: an update needs a worker to accept it.

    Raises:
        CommandError: No worker serves the task queue.
    """
    if not await opened.workers():
        raise CommandError(
            f"no worker serves the task queue {opened.settings.task_queue!r}, so nobody can take "
            "the answer; run `python starter.py up` or `python worker.py`, then answer again"
        )


def _fields(reason: str, by: str, approval_id: str) -> dict[str, Any]:
    given = {"reason": reason, "by": by or whoami(), "approval_id": approval_id}
    return {name: value for name, value in given.items() if value}


async def _decide(run_id: str, verdict: str, fields: dict[str, Any], *, as_json: bool) -> Exit:
    async with session() as opened:
        decision = await decide(opened, run_id, verdict, fields)
    if as_json:
        console.emit({"run_id": run_id, **console.plain(decision)})
    else:
        console.out().print(f"[green]✓[/] {views.decision(decision)}")
        console.note(f"watch it go on: python starter.py watch {run_id}")
    return Exit.OK


def _row(run: reading.Listed, question: Question | None) -> dict[str, Any]:
    asked = console.plain(question) if question else {}
    return {"run_id": run.run_id, "agent": run.agent, "tenant": run.tenant, "question": asked}
