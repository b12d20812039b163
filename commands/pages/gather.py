"""What a page is made of, read from the server: the result, the history, who sent what."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from temporalio.client import WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCError

from commands import audit_results, history, reading, transcript, verify
from commands.errors import CommandError
from commands.history import Leg
from commands.kinds import name_of
from commands.pages import phases
from commands.pages.audit import audit_page
from commands.pages.research import research_page
from commands.pages.run import run_page
from commands.pages.timeline import Budget, Chain, Recorded, Sent, Took
from commands.reading import AGENT_WORKFLOW, AUDIT_WORKFLOW, Closed, Listed
from commands.session import Session
from commands.transcript import Transcript
from domain.auditing import AuditRequest, AuditResult
from domain.budget import Limits, Spend
from domain.researching import ResearchResult
from domain.run import AgentResult, Outcome, Status
from domain.state import AgentState

RESEARCH_WORKFLOW = "ResearchWorkflow"
_QUERY_TIMEOUT = timedelta(seconds=5)


async def page(opened: Session, run_id: str) -> str:
    """Return the page of a run, open or closed.

    Raises:
        CommandError: There is no such run, or no worker can say what an open one has so far.
    """
    found = reading.listed(await reading.described(opened, run_id))
    legs = await history.legs(opened, run_id)
    closed = await reading.result(opened, run_id) if not found.is_open else None
    if found.workflow == AGENT_WORKFLOW:
        return await _agent(opened, found, legs, closed)
    if found.workflow == RESEARCH_WORKFLOW:
        return await _research(opened, found, legs, closed)
    if found.workflow == AUDIT_WORKFLOW:
        return await _audit(opened, found, legs, closed)
    raise CommandError(
        f"run {run_id!r} is a {name_of(found.workflow)}, of which no page is drawn yet; "
        f"`python starter.py show {run_id}` prints what it came to"
    )


async def _audit(opened: Session, found: Listed, legs: list[Leg], closed: Closed | None) -> str:
    first = legs[0].events[0].workflow_execution_started_event_attributes
    request = await history.typed(opened.client.data_converter, first.input, AuditRequest)
    return audit_page(
        await _audit_result(opened, found, closed),
        state=found.state if found.is_open else "",
        budget=Budget(tokens=request.tokens, cost_usd=request.cost_usd),
        phases=phases.of(legs),
        sent=_sent(legs),
        started_at=found.started_at,
        closed_at=found.closed_at,
    )


async def _audit_result(opened: Session, found: Listed, closed: Closed | None) -> AuditResult:
    if closed is not None and closed.result is not None:
        return AuditResult.model_validate({"run_id": found.run_id, **closed.result})
    so_far = await audit_results.so_far(opened, found.run_id)
    if so_far is None:
        raise CommandError(
            f"run {found.run_id!r} has no result, and no worker can say what it has so far; "
            "run `python starter.py up`"
        )
    if closed is None:
        return so_far
    return so_far.model_copy(update={"outcome": Outcome.FAILED, "reason": closed.failure})


async def _research(opened: Session, found: Listed, legs: list[Leg], closed: Closed | None) -> str:
    if closed is not None and closed.result is not None:
        result = ResearchResult.model_validate({"run_id": found.run_id, **closed.result})
    elif closed is not None:
        raise CommandError(f"run {found.run_id!r} has no report: {closed.failure}")
    else:
        handle = opened.client.get_workflow_handle(found.run_id)
        result = await handle.query("so_far", result_type=ResearchResult)
    return research_page(
        result,
        state=found.state if found.is_open else "",
        sent=_sent(legs),
        started_at=found.started_at,
    )


async def _agent(opened: Session, found: Listed, legs: list[Leg], closed: Closed | None) -> str:
    converter = opened.client.data_converter
    read = await transcript.read(converter, legs)
    said = await reading.status(opened, found.run_id)
    trail = await verify.walked(converter, legs)
    result = _agent_result(found, closed, said, read)
    return run_page(
        result,
        await _state(opened, found.run_id, result.turns),
        live=found.state if found.is_open else "",
        chain=Chain(
            not trail.breaks,
            trail.calls,
            tuple(f"{broken.event}: {broken.reason}" for broken in trail.breaks),
        ),
        budget=_budget(said),
        took={
            number: Took(step.seconds, max(step.attempts, 1))
            for number, step in enumerate(read.turns, 1)
        },
        folded=_folded(read),
        sent=_sent(legs),
        started_at=found.started_at,
        closed_at=found.closed_at,
    )


def _agent_result(
    found: Listed, closed: Closed | None, said: Status | None, read: Transcript
) -> AgentResult:
    """Return a run's result; of one that has none, what can be told of it."""
    if closed is not None and closed.result is not None:
        return AgentResult.model_validate({"run_id": found.run_id, "agent": "", **closed.result})
    return AgentResult(
        run_id=found.run_id,
        agent=found.agent,
        outcome=Outcome.FAILED,
        reason=closed.failure if closed else "",
        turns=len(read.turns),
        tool_calls=sum(len(step.results) for step in read.steps),
        model=read.steps[-1].reply.model if read.steps else "",
        decisions=said.decisions if said else (),
        ignored=said.ignored if said else (),
        spend=said.spend if said else Spend(),
    )


async def _state(opened: Session, run_id: str, turn: int) -> AgentState | None:
    """Return a run's transcript and turns; None where no worker can tell them."""
    try:
        return await opened.client.get_workflow_handle(run_id).query(
            "snapshot", turn, result_type=AgentState, rpc_timeout=_QUERY_TIMEOUT
        )
    except (WorkflowQueryFailedError, WorkflowQueryRejectedError, RPCError):
        return None


def _folded(read: Transcript) -> dict[int, Recorded]:
    """Return what the history has of each turn, for those that the state has no more."""
    return {
        number: Recorded(step.reply.message, step.results)
        for number, step in enumerate(read.turns, 1)
    }


def _budget(said: Status | None) -> Budget | None:
    return Budget.of(Limits.model_validate(said.limits)) if said and said.limits else None


def _sent(legs: Sequence[Leg]) -> list[Sent]:
    return [
        Sent(_aware(each.at), each.name, each.identity)
        for leg in legs
        for each in transcript.said(leg.events)
    ]


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
