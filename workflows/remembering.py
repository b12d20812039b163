"""What a run is told of earlier ones at its start, and what it leaves for later ones at its end.

Both are local activities, made only where the agent has a memory. A memory that cannot be reached
stops no run: it goes on without, and says so.
"""

from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from workflows import policies

with workflow.unsafe.imports_passed_through():
    from domain.approval import arguments_hash
    from domain.memory import Access, EpisodeToKeep, RecallRequest, Recollection, Scope
    from domain.messages import Message
    from domain.recollection import episode_of
    from domain.run import AgentRequest, AgentResult
    from domain.spec import AgentSpec
    from domain.state import AgentState
    from domain.taint import Taint
    from domain.tools import ToolSpec

_STRANGERS = Taint(source="memory", why="strangers had a part in what is remembered")


def access_of(request: AgentRequest, state: AgentState, spec: AgentSpec) -> Access | None:
    """Return whose memory a run may use; None where its agent has none."""
    scope = Scope.of(request.tenant, spec.name)
    if spec.memory is None or scope is None:
        return None
    return Access(
        scope=scope,
        by=request.by,
        policy=spec.memory,
        untrusted=bool(state.tainted),
        private=spec.private,
    )


def lent_to(
    request: AgentRequest,
    state: AgentState,
    spec: AgentSpec,
    tool: ToolSpec,
    arguments: dict[str, Any],
) -> Access | None:
    """Return whose memory a call may use; what a person has read and approved is trusted."""
    access = access_of(request, state, spec) if tool.memory else None
    if access is None or not access.untrusted:
        return access
    asked = arguments_hash(arguments)
    approved = any(
        each.granted and each.kind == "call" and each.tool == tool.name
        and each.arguments_hash == asked
        for each in state.decisions
    )  # fmt: skip
    return access.model_copy(update={"untrusted": False}) if approved else access


async def recall(request: AgentRequest, state: AgentState, spec: AgentSpec) -> None:
    """Put what is remembered behind the task, as one message that never leaves the window."""
    access = access_of(request, state, spec)
    if access is None or request.undo:
        return
    try:
        found = await workflow.execute_local_activity(
            "memory.recall",
            RecallRequest(access=access, task=request.task),
            result_type=Recollection,
            **policies.REMEMBER,
        )
    except FailureError as error:  # a local activity's own failure, not an ActivityError about it
        if is_cancelled_exception(error):
            raise
        workflow.logger.warning("memory cannot be reached: %s", error)
        state.leave("recalling what is remembered: the memory could not be reached")
        return
    if found.text:
        state.add(Message(role="user", text=found.text), made=True)
        state.recalled = found.recalled
    if found.untrusted:
        state.taint([_STRANGERS])


async def leave(request: AgentRequest, state: AgentState, result: AgentResult) -> None:
    """Keep what the run came to, for later ones like it. A dry run leaves nothing.

    Raises:
        FailureError: The memory cannot be reached.
    """
    spec = state.spec
    access = access_of(request, state, spec) if spec else None
    if access is None or not access.policy.episodes or request.dry_run or request.undo:
        return
    episode = episode_of(request.task, state.messages, result)
    if episode is None:
        return
    run_id, at = workflow.info().workflow_id, workflow.now()
    await workflow.execute_local_activity(
        "memory.keep",
        EpisodeToKeep(access=access, episode=episode, run_id=run_id, at=at),
        result_type=str,
        **policies.REMEMBER,
    )
