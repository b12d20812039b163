"""Checks of a run's own work that no model can sway: claims, second checks, the ends of phases.

Local activities: their inputs, which hold what the run has read, are not recorded. Idempotent.
"""

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry import trace
from temporalio import activity

from activities.providers.base import sound
from agents.agent import Agent, AnswerToCheck, Check
from agents.selfchecks.asking import sort
from agents.selfchecks.comparing import compare
from agents.selfchecks.picking import pick
from agents.selfchecks.second import Proposal, SecondCheck
from agents.tooling import Tool
from domain.checking import PhaseRequest, SecondRequest, SecondVerdict
from domain.claims import Compared, CompareRequest, Picked, PickRequest, Sorted, SortRequest
from domain.verdicts import AnswerVerdict

_MOST_TEXT: Final = 500  # characters of what an author's code says


class SelfCheckActivities:
    """The deterministic part of self-checks.

    Args:
        agents: Whose phases have checks.
        tools: Those that may have a second check, by name.
        database: SQLAlchemy URL, for second checks that look something up.
    """

    def __init__(
        self, agents: Mapping[str, Agent], tools: Mapping[str, Tool], database: str = ""
    ) -> None:
        self._agents = agents
        self._tools = tools
        self._database = database

    @activity.defn(name="claims.sort")
    async def sort(self, request: SortRequest) -> Sorted:
        """Say which claims can be asked about, and what of the answer none is about."""
        return await asyncio.to_thread(sort, request)

    @activity.defn(name="claims.pick")
    async def pick(self, request: PickRequest) -> Picked:
        """Find the passages that speak of some questions."""
        return await asyncio.to_thread(pick, request)

    @activity.defn(name="claims.compare")
    async def compare(self, request: CompareRequest) -> Compared:
        """Compare claims with what was found by somebody who has not seen them."""
        compared = await asyncio.to_thread(compare, request)
        held = sum(each.finding == "supported" for each in compared.verdicts)
        _trace(**{"holdfast.claims": len(request.claims), "holdfast.claims.supported": held})
        return compared

    @activity.defn(name="check.second")
    async def second(self, request: SecondRequest) -> SecondVerdict:
        """Run a tool's second check. One that breaks, or is gone, refuses: it is the last one."""
        tool = self._tools.get(request.tool)
        if tool is None or tool.second_check is None:
            return SecondVerdict(refused=f"the second check of {request.tool!r} is not deployed")
        proposal = Proposal(
            arguments=request.arguments,
            made=request.made,
            task=request.task,
            data=request.data,
            tenant=request.tenant,
            run_id=activity.info().workflow_id or "",
            database=self._database,
        )
        try:
            refused = await _asked(tool.second_check, proposal)
        except Exception as error:  # noqa: BLE001 - an author's own code
            refused = f"the second check broke: {_said(error)}"
        _trace(**{"holdfast.check.tool": request.tool, "holdfast.check.refused": bool(refused)})
        return SecondVerdict(refused=refused) if refused else SecondVerdict()

    @activity.defn(name="check.phase")
    async def phase(self, request: PhaseRequest) -> AnswerVerdict:
        """Say what does not hold at the end of a phase."""
        agent = self._agents.get(request.agent)
        declared = {phase.name: phase for phase in agent.phases} if agent else {}
        named = declared.get(request.phase)
        checks = {check.__name__: check for check in named.checks} if named else {}
        material = AnswerToCheck(answer=None, task=request.task, made=request.made)
        problems = await asyncio.to_thread(_problems, checks, request.checks, material)
        _trace(**{"holdfast.phase": request.phase, "holdfast.check.problems": len(problems)})
        return AnswerVerdict(problems=problems) if problems else AnswerVerdict()


def _trace(**found: str | int | bool) -> None:
    """Say on the activity's span what a check came to, without any text."""
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attributes(found)


async def _asked(check: SecondCheck, proposal: Proposal) -> str:
    if inspect.iscoroutinefunction(check):
        refused = await check(proposal)
    else:
        found = await asyncio.to_thread(check, proposal)
        refused = await found if inspect.isawaitable(found) else found
    return sound(str(refused or "")[:_MOST_TEXT])


def _problems(
    deployed: Mapping[str, Check], wanted: Sequence[str], material: AnswerToCheck
) -> tuple[str, ...]:
    found: list[str] = []
    for name in wanted:
        if name not in deployed:
            found.append(f"rule {name!r} is not deployed; the phase cannot be checked")
            continue
        try:
            found.extend(sound(str(each)[:_MOST_TEXT]) for each in deployed[name](material))
        except Exception as error:  # noqa: BLE001 - an author's own code; a person is asked
            found.append(f"rule {name!r} broke: {_said(error)}")
    return tuple(found)


def _said(error: Exception) -> str:
    return sound(f"{type(error).__name__}: {error}"[:_MOST_TEXT])
