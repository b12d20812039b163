"""`verify`: recompute a run's chain from its history."""

from pathlib import Path
from typing import Annotated, Any

import typer
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter

from commands import console, history, options, reading
from commands.console import safe
from commands.errors import Exit
from commands.history import Leg
from commands.session import Session, session
from commands.trail import Trail
from domain.acting import ActOutcome, ActRequest
from domain.memory import Recollection
from domain.messages import Message
from domain.run import AgentRequest, AgentResult
from domain.thinking import Reply, ThinkRequest
from runtime.database import opened as opened_database
from runtime.settings import Settings
from runtime.storage import data_converter

History = Annotated[
    Path | None,
    typer.Option(
        "--history",
        exists=True,
        dir_okay=False,
        readable=True,
        help="Check this exported history instead of the server's.",
    ),
]

# What is called `a.b` is the loop's own; a tool's name has no dot.
_THINK = "llm.think"
_RECALL = "memory.recall"


async def verify(run_id: options.RunId, file: History = None, json: options.Json = False) -> Exit:
    """Check that no event of a run was changed: recompute its hash chain.

    Exit code 0: it holds. 1: it does not, and the event that breaks it is named.
    """
    if file is not None:
        trails = [(run_id, await _of_file(file))]
    else:
        async with session() as opened:
            trails = await _trails(opened, run_id)
    breaks = [(name, broken) for name, trail in trails for broken in trail.breaks]
    if json:
        console.emit(_as_json(run_id, trails))
    elif not breaks:
        calls = sum(trail.calls for _, trail in trails)
        runs = f" in {len(trails)} runs" if len(trails) > 1 else ""
        console.out().print(f"[green]the chain holds[/] over {calls} model calls{runs}")
    for name, broken in breaks:
        where = f"{name}: " if len(trails) > 1 else ""
        line = safe(f"{where}{broken.event}: {broken.reason}")
        console.err().print(f"[bold red]broken[/] {line}", soft_wrap=True)
    return Exit.FAILED if breaks else Exit.OK


async def _of_file(file: Path) -> Trail:
    """Return the trail of an exported history; no server is needed for it."""
    async with opened_database(Settings.load()) as database:
        return await walked(data_converter(database), history.from_file(file))


async def _trails(opened: Session, run_id: str) -> list[tuple[str, Trail]]:
    """Return the trail of the run and those of the agents' runs below it."""
    converter = opened.client.data_converter
    found = await reading.described(opened, run_id)
    names = [run_id]
    if found.workflow_type != reading.AGENT_WORKFLOW:
        names = await _below(opened, run_id)
    return [(name, await walked(converter, await history.legs(opened, name))) for name in names]


async def _below(opened: Session, run_id: str) -> list[str]:
    query = f"{reading.within(run_id)} AND WorkflowType = '{reading.AGENT_WORKFLOW}'"
    return sorted({found.id async for found in opened.client.list_workflows(query)})


async def walked(converter: DataConverter, legs: list[Leg]) -> Trail:
    """Return the trail of a run's executions, oldest first."""
    trail = Trail()
    for leg in legs:
        tasks = {task.event.event_id: task for task in history.activities(leg.events)}
        for event in leg.events:
            await _step(converter, trail, event, tasks)
    return trail


async def _step(
    converter: DataConverter,
    trail: Trail,
    event: HistoryEvent,
    tasks: dict[int, history.Scheduled],
) -> None:
    where = f"event {event.event_id} ({history.name(event)})"
    match event.event_type:
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            given = event.workflow_execution_started_event_attributes.input
            request = await history.typed(converter, given, AgentRequest)
            trail.begin(where, request.state)
        case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            scheduled = event.activity_task_scheduled_event_attributes
            if scheduled.activity_type.name == _THINK:
                request = await history.typed(converter, scheduled.input, ThinkRequest)
                trail.think(where, request)
        case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            completed = event.activity_task_completed_event_attributes
            task = tasks[completed.scheduled_event_id]
            await _completed(converter, trail, where, task, completed.result)
        case EventType.EVENT_TYPE_MARKER_RECORDED:
            told = await history.local_result(converter, event, _RECALL, Recollection)
            if told is not None and told.text:
                trail.told(where, Message(role="user", text=told.text))
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
            given = event.workflow_execution_completed_event_attributes.result
            result = await history.typed(converter, given, AgentResult)
            trail.end(where, result.head, result.held, result.unread)
        case _:
            pass


async def _completed(
    converter: DataConverter,
    trail: Trail,
    where: str,
    task: history.Scheduled,
    result: Any,
) -> None:
    given = task.event.activity_task_scheduled_event_attributes.input
    if task.type == _THINK:
        asked = await history.typed(converter, given, ThinkRequest)
        trail.reply(where, asked, await history.typed(converter, result, Reply))
    elif "." not in task.type:
        acted = await history.typed(converter, given, ActRequest)
        outcome = await history.typed(converter, result, ActOutcome)
        trail.outcome(where, task.type, acted.call_id, outcome)


def _as_json(run_id: str, trails: list[tuple[str, Trail]]) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "holds": not any(trail.breaks for _, trail in trails),
        "model_calls": sum(trail.calls for _, trail in trails),
        "runs": [
            {
                "run_id": name,
                "model_calls": trail.calls,
                "head": trail.last,
                "breaks": [
                    {"event": broken.event, "reason": broken.reason} for broken in trail.breaks
                ],
            }
            for name, trail in trails
        ],
    }
