"""What a page is made of, read from the server: the result, the history, who sent what."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from temporalio.client import WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCError

from commands import audit_results, history, reading, transcript, verify
from commands.errors import CommandError
from commands.heard import Heard, heard
from commands.history import Leg
from commands.kinds import Kind, name_of, of_type
from commands.pages import beneath, curve, lanes, phases
from commands.pages.around import Around, Below
from commands.pages.audit import audit_page
from commands.pages.beneath import Link
from commands.pages.happened import happened
from commands.pages.research import research_page
from commands.pages.run import run_page
from commands.pages.several import several_page
from commands.pages.timeline import Budget, Chain, Recorded, Took, turns_of
from commands.reading import AGENT_WORKFLOW, AUDIT_WORKFLOW, Closed, Listed
from commands.session import Session
from commands.transcript import Transcript
from domain.auditing import AuditRequest, AuditResult
from domain.budget import Limits, Spend
from domain.researching import ResearchResult
from domain.run import AgentResult, Outcome, Status
from domain.runs import RunResult
from domain.state import AgentState

RESEARCH_WORKFLOW = "ResearchWorkflow"
_QUERY_TIMEOUT = timedelta(seconds=5)


async def page(opened: Session, run_id: str, link: Link | None = None) -> str:
    """Return the page of a run, open or closed.

    Args:
        opened: A connected session.
        run_id: The run.
        link: Where the page of a run below is; default: in the Temporal UI, where that is known.

    Raises:
        CommandError: There is no such run, or no worker can say what an open one has so far.
    """
    try:
        found = reading.listed(await reading.described(opened, run_id))
    except CommandError:
        if (kept := await reading.kept(opened, run_id)) is not None:
            return _forgotten(run_id, kept)
        raise
    legs = await history.legs(opened, run_id)
    closed = await reading.result(opened, run_id) if not found.is_open else None
    around = await _around(opened, found, legs, link or opened.page)
    if found.workflow == AGENT_WORKFLOW:
        return await _agent(opened, found, legs, closed, around)
    if found.workflow == RESEARCH_WORKFLOW:
        return await _research(opened, found, closed, around)
    if found.workflow == AUDIT_WORKFLOW:
        return await _audit(opened, found, legs, closed, around)
    return await _several(opened, found, legs, closed, around)


async def _around(opened: Session, found: Listed, legs: list[Leg], link: Link) -> Around:
    """Return what all pages have; the chain and the picture of an agent's run come with it."""
    under = await beneath.read(opened, found.run_id)
    of_agent = found.workflow == AGENT_WORKFLOW
    chain, unchecked = (None, 0) if of_agent else await beneath.chains(opened, under.runs)
    said: list[Heard] = []
    for leg in legs:
        said += await heard(opened.client.data_converter, leg.events)
    rows = under.rows(link)
    return Around(
        kind=name_of(found.workflow),
        drawn=_drawn(found, legs),
        curve=None if of_agent else await _spent(opened, legs, rows),
        below=rows,
        more=under.more,
        course=under.course(),
        chain=chain,
        unchecked=unchecked,
        said=said,
        status=await reading.status(opened, found.run_id) if found.is_open else None,
        started_at=found.started_at,
        closed_at=found.closed_at,
        ui=opened.page(found.run_id),
        stand_in=under.stand_in,
    )


def _drawn(
    found: Listed, legs: list[Leg], numbered: Mapping[datetime, int] | None = None
) -> lanes.Drawn | None:
    past = happened(legs, numbered)
    return lanes.draw(past._replace(until=datetime.now(UTC)) if found.is_open else past)


async def _spent(
    opened: Session, legs: Sequence[Leg], rows: Sequence[Below]
) -> "curve.Curve | None":
    """Return what the runs below used, one after another, against the budget of all."""
    ended = sorted((row for row in rows if row.closed_at), key=lambda row: str(row.closed_at))
    used: list[curve.Used] = []
    steps = tokens = 0
    cost = Spend().cost_usd
    for row in ended:
        steps, tokens, cost = steps + row.steps, tokens + row.tokens, cost + row.cost_usd
        used.append(curve.Used(len(used) + 1, steps, tokens, cost))
    return curve.of(used, await _budget_of(opened, legs))


async def _budget_of(opened: Session, legs: Sequence[Leg]) -> Budget:
    """Return what a run of several and all below it may use together, as it was started."""
    started = legs[0].events[0].workflow_execution_started_event_attributes
    kind = of_type(started.workflow_type.name)
    if kind is None or not {"tokens", "cost_usd"} <= kind.request.model_fields.keys():
        return Budget()
    request: Any = await history.typed(opened.client.data_converter, started.input, kind.request)
    return Budget(tokens=request.tokens, cost_usd=request.cost_usd)


async def _several(
    opened: Session, found: Listed, legs: list[Leg], closed: Closed | None, around: Around
) -> str:
    kind = of_type(found.workflow)
    return several_page(
        await _result_of(opened, found, closed, kind),
        around,
        title=found.agent or name_of(found.workflow),
        live=found.state if found.is_open else "",
        budget=await _budget_of(opened, legs),
    )


async def _result_of(
    opened: Session, found: Listed, closed: Closed | None, kind: Kind | None
) -> RunResult:
    """Return what a run came to, or has come to so far, as far as anybody can say."""
    model = cast("type[RunResult]", kind.result if kind else RunResult)
    if closed is not None and closed.result is not None:
        return model.model_validate({"run_id": found.run_id, "agent": "", **closed.result})
    so_far: Any = None
    if closed is None:
        try:
            so_far = await opened.client.get_workflow_handle(found.run_id).query(
                "so_far", rpc_timeout=_QUERY_TIMEOUT
            )
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError, RPCError):
            so_far = None  # no worker answers for it; what the server knows is shown
    if isinstance(so_far, dict):
        return model.model_validate({**so_far, "run_id": found.run_id})
    return model.model_validate(
        {
            "run_id": found.run_id,
            "outcome": Outcome.FAILED,
            "reason": closed.failure if closed else "no worker can say what it has so far",
        }
    )


def _forgotten(run_id: str, kept: dict[str, Any]) -> str:
    """Return the page of a run whose history the server has no more: of its result alone."""
    kind = of_type(str(kept.get("workflow", "")))
    fields = {"run_id": run_id, "agent": "", **kept}
    if kind is not None and kind.workflow == AGENT_WORKFLOW:
        return run_page(AgentResult.model_validate(fields), None)
    if kind is not None and kind.workflow == RESEARCH_WORKFLOW:
        return research_page(ResearchResult.model_validate(fields))
    if kind is not None and kind.workflow == AUDIT_WORKFLOW:
        return audit_page(AuditResult.model_validate(fields))
    model = cast("type[RunResult]", kind.result if kind else RunResult)
    around = Around(kind=kind.name if kind else "run")
    return several_page(model.model_validate(fields), around, title=run_id)


async def _audit(
    opened: Session, found: Listed, legs: list[Leg], closed: Closed | None, around: Around
) -> str:
    first = legs[0].events[0].workflow_execution_started_event_attributes
    request = await history.typed(opened.client.data_converter, first.input, AuditRequest)
    return audit_page(
        await _audit_result(opened, found, closed),
        state=found.state if found.is_open else "",
        budget=Budget(tokens=request.tokens, cost_usd=request.cost_usd),
        phases=phases.of(legs),
        sent=around.said,
        around=around,
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


async def _research(opened: Session, found: Listed, closed: Closed | None, around: Around) -> str:
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
        sent=around.said,
        around=around,
        started_at=found.started_at,
    )


async def _agent(
    opened: Session, found: Listed, legs: list[Leg], closed: Closed | None, around: Around
) -> str:
    converter = opened.client.data_converter
    read = await transcript.read(converter, legs)
    said = await reading.status(opened, found.run_id)
    trail = await verify.walked(converter, legs)
    # Reading them again is cheap, and numbers the bars of the picture.
    numbered = {step.began: at for at, step in enumerate(read.turns, 1) if step.began}
    around = around._replace(drawn=_drawn(found, legs, numbered))
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
        recorded=turns_of(read),
        sent=around.said,
        around=around,
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
