"""Agents as tools: a call that is a run below, with a share of the caller's budget, or a hand-off.

The run below is given the typed task and nothing of the caller's transcript. What it asks a
person it asks for itself: no message of the caller reaches its desk.
"""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

from temporalio import workflow

from workflows import policies
from workflows.child import Child, lineage_of, run_child
from workflows.effects import Ran
from workflows.guarding import note_result
from workflows.ruling import handed_down, take_over
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.acting import ActOutcome, CutRequest
    from domain.budget import Extra, Limits, LimitsOverride, Spend
    from domain.contract import canonical
    from domain.run import AgentRequest, Came
    from domain.state import Effected
    from domain.taint import Taint, marked, through
    from domain.tools import ToolSpec

MOST_DEPTH = 5  # runs below runs; deeper, agents that call each other would spend on asking


class Delegates:
    """Runs the agents that one agent calls."""

    def __init__(self, work: Work) -> None:
        self._request, self._state = work.request, work.state
        self._spec, self._desk = work.spec, work.desk
        self._reserved = Spend()
        self._shares: dict[str, Spend] = {}

    async def run(self, position: int, tool: ToolSpec, arguments: dict[str, Any]) -> Ran:
        """Run the agent that `tool` stands for; return its answer as the call's result."""
        if self._request.depth >= MOST_DEPTH:
            return _told(f"error: {tool.agent} was not asked: {MOST_DEPTH} agents are above it")
        share = self._share(tool)
        if not self._fits(share):
            return _told(
                f"error: {tool.agent} was not asked: what is left of the budget is less than its "
                f"share of {share.tokens:,} tokens and {share.cost_usd} USD; go on without it"
            )
        child = Child(
            id=f"{self._state.spend.steps}.{position}-{tool.agent}",
            agent=tool.agent,
            task=arguments,
            data=self._request.data,
            summary=f"{tool.name} {canonical(arguments).decode()}",
        )
        return await self._told_of(tool, arguments, await self._ask(child, share))

    async def _ask(self, child: Child, share: Limits) -> Came:
        began = workflow.now()
        run_id = f"{workflow.info().workflow_id}/{child.id}"
        self._hold(run_id, Spend(tokens=share.tokens, cost_usd=share.cost_usd))
        used: Spend | None = None
        try:
            came = await run_child(child, self._asked(child, share), share)
            used = None if came.unaccounted else came.spend
            take_over(came, self._spec, self._state)
        finally:
            held = self._shares.pop(run_id)
            self._reserved = self._reserved.plus(tokens=-held.tokens, cost_usd=-held.cost_usd)
            used = used or held  # one that left no account is charged all it was given
            # Its model calls have limits of their own; what they cost is the caller's.
            self._state.spend = self._state.spend.joined(used.model_copy(update={"steps": 0}))
        self._desk.clock.excuse(min(timedelta(seconds=came.waited_s), workflow.now() - began))
        return came

    def _asked(self, child: Child, share: Limits) -> AgentRequest:
        asked = AgentRequest(
            agent=child.agent,
            task=child.text,
            ceiling=LimitsOverride(**share.model_dump()),
            tenant=self._request.tenant,
            by=self._request.by,
            dry_run=self._request.dry_run,
            lineage=lineage_of(self._state.lineage, child),
            depth=self._request.depth + 1,
        )
        more: dict[str, object] = {"data": dict(child.data)} if child.data else {}
        if self._state.tainted:
            more["tainted"] = tuple(self._state.tainted)
        if self._spec.private:
            more["private"] = True
        more |= handed_down(self._spec, self._state)
        return asked.model_copy(update=more) if more else asked

    # --- the budget

    def _hold(self, run_id: str, more: Spend) -> None:
        self._reserved = self._reserved.joined(more)
        self._shares[run_id] = self._shares.get(run_id, Spend()).joined(more)

    def lend(self, wanted: Extra) -> Extra:
        """Return what a run below is granted beyond its share: what it wants, or nothing."""
        more = Spend(tokens=wanted.tokens, cost_usd=wanted.cost_usd)
        if wanted.run_id not in self._shares or not self._fits(more):
            return Extra(run_id=wanted.run_id)
        self._hold(wanted.run_id, more)
        return wanted

    def _share(self, tool: ToolSpec) -> Limits:
        limits = self._state.limits
        left = limits.wall_clock_s - self._desk.clock.worked().total_seconds()
        return Limits(
            steps=limits.steps,
            tokens=max(int(limits.tokens * tool.share), 1),
            cost_usd=limits.cost_usd * Decimal(str(tool.share)),
            wall_clock_s=max(left, 1),
        )

    def _fits(self, share: Limits | Spend) -> bool:
        used, limits = self._state.spend.joined(self._reserved), self._state.limits
        return (
            used.tokens + share.tokens <= limits.tokens
            and used.cost_usd + share.cost_usd <= limits.cost_usd
        )

    # --- what comes back

    async def _told_of(self, tool: ToolSpec, arguments: dict[str, Any], came: Came) -> Ran:
        turn = len(self._state.turns)
        self._state.taint(through(came.agent, turn, came.tainted))
        if came.unaccounted:  # why it failed may be told in words that it had read
            self._state.taint([Taint(source=came.agent, turn=turn, why="it left no account")])
        if came.writes:
            self._state.writes.append(
                Effected(
                    tool=tool.name,
                    arguments=arguments,
                    key=came.run_id,
                    text="",
                    agent=came.agent,
                    inner=came.writes,
                )
            )
        for item in came.not_done:
            self._state.leave(f"{came.agent}: {item}")
        if not came.ok:
            self._state.leave(f"{tool.name}: {came.agent} ended with {came.outcome}")
            why = f" ({came.reason})" if came.reason else ""
            return _told(f"error: {came.agent} has no answer: {came.outcome}{why}")
        text = came.answer if isinstance(came.answer, str) else _json(came.answer)
        mark = came.agent if came.tainted and self._spec.guards is not None else ""
        outcome = await self._cut(tool, text, mark)
        if not came.tainted:
            note_result(self._state, tool, arguments, outcome)
        return Ran(outcome, by_value=True)

    async def _cut(self, tool: ToolSpec, text: str, mark: str) -> ActOutcome:
        """Return an answer as it is, or, where it is too large, as any tool's result is cut."""
        if len(text.encode("utf-8", "replace")) <= tool.result_bytes:
            return ActOutcome(kind="ok", text=marked(text, mark) if mark else text)
        asked = CutRequest(text=text, result_bytes=tool.result_bytes)
        if mark:
            asked = asked.model_copy(update={"mark": mark})
        return await workflow.execute_activity(
            "tools.cut", asked, result_type=ActOutcome, **policies.COMPUTE
        )


def _json(answer: Any) -> str:
    return json.dumps(answer, ensure_ascii=False)


def _told(text: str) -> Ran:
    return Ran(ActOutcome(kind="error", text=text), by_value=True)
