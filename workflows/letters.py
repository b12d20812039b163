"""Dead letters of tasks: with one, a task and what depended on it can be done again by itself."""

from temporalio import workflow

from workflows.records import keep_dead_letter

with workflow.unsafe.imports_passed_through():
    from domain.goals import Goal
    from domain.orchestration import OrchestrationRequest, OrchestrationState
    from domain.taskgraph import again


async def keep_task_letters(
    goal: Goal, state: OrchestrationState, request: OrchestrationRequest
) -> None:
    """Keep a letter for each task that failed for good and has none yet.

    Written when all others have ended, so that what they gave can be handed on.

    Raises:
        FailureError: A letter could not be kept.
    """
    workers = {task.id: task.worker for task in goal.tasks}
    for task_id, memory in state.tasks.items():
        if memory.standing != "failed" or memory.letter:
            continue
        tried = f"failed {memory.attempts} times" if memory.attempts > 1 else "failed"
        narrowed, left = again(goal, task_id, state.outputs)
        lacking = f" (without {', '.join(left)}, which need more than it)" if left else ""
        memory.letter = await keep_dead_letter(
            workers[task_id],
            request.tenant,
            f"task {task_id!r} {tried}: {memory.reason}{lacking}",
            _request(narrowed, state, request),
            task=task_id,
            lineage=state.lineage,
        )


def _request(
    goal: Goal, state: OrchestrationState, request: OrchestrationRequest
) -> OrchestrationRequest:
    """Return what does the tasks of `goal` again, given what the others gave."""
    named = {name for task in goal.tasks for name in task.needs.values()}
    named |= {name for phase in goal.phases for rule in phase.holds for name in rule.names}
    return OrchestrationRequest(
        goal=goal.model_dump(mode="json", exclude_unset=True),
        outputs={name: value for name, value in state.outputs.items() if name in named},
        tenant=request.tenant,
        by=request.by,
        dry_run=request.dry_run,
        limits=request.limits,
        tokens=request.tokens,
        cost_usd=request.cost_usd,
    )
