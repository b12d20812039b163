"""`resume` and `fork`: a run goes on from what it has, under its own id or another."""

from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, ResetReapplyExcludeType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.service import RPCError

from commands import console, history, options, reading
from commands.errors import CommandError, Exit, Misuse, one_line
from commands.reading import AGENT_WORKFLOW
from commands.session import Session, session
from commands.starting import Start, announce, start, started_only
from domain.folding import Past
from domain.folds import unfolded
from domain.run import AgentRequest
from domain.state import AgentState
from runtime.artifact_uses import ArtifactUses
from runtime.artifacts import Artifacts
from runtime.deployments import after_reset

_RESUMABLE = {
    WorkflowExecutionStatus.FAILED,
    WorkflowExecutionStatus.TIMED_OUT,
    WorkflowExecutionStatus.TERMINATED,
}
# Reset re-delivers these by default, and an old empty `approve` would answer a new question.
_NOT_AGAIN = (
    ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL,
    ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE,
    ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_CANCEL_REQUEST,
)
_WENT_WRONG = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED,
}

Step = Annotated[
    int,
    typer.Option("--step", "--from", min=0, help="Keep the run up to and with this model call."),
]
RunIds = Annotated[list[str], typer.Argument(metavar="RUN...", help="Ids, as `list` shows them.")]
Prompt = Annotated[
    Path | None,
    typer.Option(
        "--prompt", metavar="FILE", help="Go on with this system prompt, and show what it changes."
    ),
]
Expect = Annotated[
    str, typer.Option("--expect", metavar="JSON", help="With --prompt: what should come of it.")
]
Rubric = Annotated[str, typer.Option("--rubric", help="With --prompt: what a judge asks.")]


async def resume(run_id: options.RunId, json: options.Json = False) -> Exit:
    """Take a failed run up again from before the step that failed.

    Everything before that step is kept and not paid for again.
    """
    async with session() as opened:
        found = await reading.described(opened, run_id)
        if found.status not in _RESUMABLE:
            raise CommandError(_why_not(run_id, found.status))
        events = (await history.legs(opened, run_id))[-1].events
        point = before_failure(events)
        answer = await opened.client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=opened.client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=run_id, run_id=found.run_id),
                reason="resumed by starter.py",
                workflow_task_finish_event_id=point,
                request_id=str(uuid4()),
                reset_reapply_exclude_types=_NOT_AGAIN,
                post_reset_operations=after_reset(found),
            )
        )
        if not await opened.workers():
            console.warn("no worker serves it yet: python starter.py up")
    if json:
        console.emit({"run_id": run_id, "execution": answer.run_id, "kept_events": point - 1})
    else:
        console.out().print(f"[green]✓[/] run {run_id} goes on from event {point}")
        console.note(f"watch it: python starter.py watch {run_id}")
    return Exit.OK


async def fork(
    run_ids: RunIds,
    *,
    step: Step,
    prompt: Prompt = None,
    expect: Expect = "",
    rubric: Rubric = "",
    new_id: options.NewId = "",
    json: options.Json = False,
) -> Exit:
    """Start another run from this one's state at a step, so that both can be compared.

    The original is not touched. The new one pays for its own steps only. With --prompt, of one run
    or several: what is before the step is kept, effects are not made, and the difference is shown.
    """
    if prompt is not None:
        return await _with_prompt(run_ids, step, prompt, (expect, rubric), as_json=json)
    if len(run_ids) != 1 or expect or rubric:
        raise Misuse("fork takes one RUN; several, --expect and --rubric are for --prompt FILE")
    return await _fork(run_ids[0], step, new_id, as_json=json)


async def _with_prompt(
    run_ids: list[str], step: int, prompt: Path, held: tuple[str, str], *, as_json: bool
) -> Exit:
    """Go on from a step of runs of before with another prompt, and show the difference."""
    # Here and not above: what evaluates takes a second to import.
    from commands.evals import forking  # noqa: PLC0415
    from commands.evals.recorded import recorded  # noqa: PLC0415

    text = options.text_of(prompt, "a system prompt")
    expect, rubric = held
    expected = options.json_object(expect, "--expect") if expect else {}
    past: list[forking.Past] = []
    async with session() as opened:
        for run_id in run_ids:
            run = await recorded(opened, run_id)
            state = None
            if step:
                state = await _whole(opened, await _snapshot(opened, run_id, step), step)
            past.append(forking.Past(run, state, step))
    found = await forking.forked(past, text, expected, rubric)
    if as_json:
        console.emit(forking.told(found))
    else:
        forking.show(found)
    return Exit.OK


async def _fork(run_id: str, step: int, new_id: str, *, as_json: bool) -> Exit:
    async with session() as opened:
        found = await reading.described(opened, run_id)
        if found.workflow_type != AGENT_WORKFLOW:
            raise CommandError(
                f"run {run_id!r} is a {found.workflow_type}; only an agent's run can be forked: "
                "`python starter.py list --all` shows those below it"
            )
        state = await _whole(opened, await _snapshot(opened, run_id, step), step)
        first = (await history.legs(opened, run_id))[0].events[0]
        given = first.workflow_execution_started_event_attributes.input
        request = await history.typed(opened.client.data_converter, given, AgentRequest)
        # Its own logical run: the original's effects must not count as its own, nor its spend.
        state = state.model_copy(update={"lineage": str(uuid4())})
        changed = request.model_copy(update={"state": state, "forked_from": run_id})
        wanted = Start(AGENT_WORKFLOW, changed, f"{run_id}-fork-{step}", new_id, detach=True)
        started = await start(opened, wanted)
        await ArtifactUses(opened.database).share(run_id, started.run_id)
        announce(opened, started)
    return started_only(started, as_json=as_json)


def before_failure(events: list[HistoryEvent]) -> int:
    """Return the workflow task that the step which failed was decided in.

    That is the last thing that went wrong before the run closed; where nothing did, the last
    workflow task.

    Raises:
        CommandError: The run never began to work.
    """
    decided: dict[int, int] = {}
    last_task, point = 0, 0
    for event in events:
        task = _decided_in(event)
        if task:
            decided[event.event_id] = task
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            last_task = event.event_id
        if event.event_type in _WENT_WRONG:
            point = decided.get(_cause(event), last_task)
    found = point or last_task
    if not found:
        raise CommandError("the run closed before its first step; start it again with --again")
    return found


def _decided_in(event: HistoryEvent) -> int:
    match event.event_type:
        case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            scheduled = event.activity_task_scheduled_event_attributes
            return scheduled.workflow_task_completed_event_id
        case EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
            started = event.start_child_workflow_execution_initiated_event_attributes
            return started.workflow_task_completed_event_id
        case _:
            return 0


def _cause(event: HistoryEvent) -> int:
    match event.event_type:
        case EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED:
            return event.activity_task_failed_event_attributes.scheduled_event_id
        case EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
            return event.activity_task_timed_out_event_attributes.scheduled_event_id
        case _:
            failed = event.child_workflow_execution_failed_event_attributes
            return failed.initiated_event_id


async def _snapshot(opened: Session, run_id: str, step: int) -> AgentState:
    try:
        return await opened.client.get_workflow_handle(run_id).query(
            "snapshot", step, result_type=AgentState
        )
    except WorkflowQueryFailedError as error:
        raise CommandError(f"--step {step}: {one_line(str(error))}") from None
    except RPCError:
        if await opened.workers():
            raise
        raise CommandError(
            "a worker is needed to read the run's state; run `python starter.py up`"
        ) from None


async def _whole(opened: Session, state: AgentState, step: int) -> AgentState:
    """Return the state after a step, also where that was folded away: from its record."""
    if not state.elsewhere:
        return state
    artifacts = Artifacts(opened.database)
    content = await artifacts.get(state.elsewhere)
    if content is None:
        gone = artifacts.not_found(state.elsewhere)
        raise CommandError(
            f"--step {step}: that turn was folded away, and its record is gone: {gone}"
        )
    return unfolded(state, Past.model_validate_json(content)).at(step)


def _why_not(run_id: str, status: WorkflowExecutionStatus | None) -> str:
    if status is WorkflowExecutionStatus.RUNNING:
        return f"run {run_id!r} is under way; if it is stopped: python starter.py retry {run_id}"
    name = status.name.lower() if status else "gone"
    return (
        f"run {run_id!r} is {name}, not failed, so there is nothing to resume; "
        f"`python starter.py fork {run_id} --step N` goes on from one of its steps"
    )
