"""The gate before a call: checks, the run's watches, the policy, a standing approval, a person.

What a person modifies goes through the checks and the watches again, and what runs is what was
approved.
"""

import json
from collections.abc import Sequence
from typing import Any

from temporalio import workflow

from workflows import policies
from workflows.effects import Effects
from workflows.passing import Leaving, guarded_request
from workflows.standing import stands
from workflows.watching import Objection, Watches
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.acting import ActOutcome
    from domain.approval import Form
    from domain.contract import strict_json
    from domain.messages import ToolCall
    from domain.tools import Effect, ToolSpec
    from domain.verdicts import CheckCallsRequest, Verdicts

_WHY = {
    Effect.READ: "this agent's reads are put before a person",
    Effect.WRITE: "its effect is a write: it changes something outside the run",
    Effect.IRREVERSIBLE: "its effect is irreversible: what it does cannot be undone",
}


class Gate:
    """Lets calls through, refuses them, or asks.

    A `reason` puts every call before a person, whatever their effect and whatever stands.
    """

    def __init__(self, work: Work, effects: Effects, watches: Watches, reason: str = "") -> None:
        self._work = work
        self._request, self._state = work.request, work.state
        self._spec, self._desk = work.spec, work.desk
        self._effects = effects
        self._watches = watches
        self._reason = reason
        self._leaving = Leaving(watches)

    async def refused(self, calls: Sequence[ToolCall]) -> dict[str, str]:
        """Return why calls could not run, by their ids: unknown tool, arguments that do not fit."""
        named = {call.name for call in calls}
        tools = tuple(tool for tool in self._spec.tools if tool.name in named)
        if len(tools) < len(named):
            tools = self._spec.tools  # one is unknown: its refusal lists them all
        request = CheckCallsRequest(calls=tuple(calls), tools=tools, forbid=self._state.forbid)
        request = guarded_request(self._work, request)
        verdicts = await workflow.execute_local_activity(
            "check.calls", request, result_type=Verdicts, **policies.CHECK
        )
        return self._leaving.take(calls, verdicts)

    def arguments_of(self, call: ToolCall) -> dict[str, Any]:
        """Return the arguments of a call that passed its checks, as they may leave the run."""
        return strict_json(self._leaving.arguments.get(call.id) or call.arguments or "{}")

    async def passes(
        self, position: int, call: ToolCall, tool: ToolSpec, arguments: dict[str, Any]
    ) -> dict[str, Any] | ActOutcome:
        """Return the arguments that may run, or what the model is told instead."""
        objections = [*await self._watches.before(tool, arguments), *self._leaving.asks(call)]
        refusal = next((each for each in objections if each.refuse), None)
        if refusal is not None:
            text = self._watches.reject(refusal, f"{tool.name} {call.arguments}")
            return ActOutcome(kind="error", text=text)
        if tool.writes and self._request.dry_run:
            self._state.leave(f"{tool.name} {call.arguments} (dry run)")
            return ActOutcome(kind="ok", text="dry run: this write was not made")
        if not self._reason and not objections and await self._free(position, tool, arguments):
            return arguments
        return await self._asked(call, tool, arguments, objections)

    async def _free(self, position: int, tool: ToolSpec, arguments: dict[str, Any]) -> bool:
        """Whether nobody need be asked: by the policy, or by what a person has said before."""
        if tool.effect not in self._spec.approvals.effects:
            return True
        key = self._effects.key(position, tool, arguments)
        return await stands(self._work, tool=tool, arguments=arguments, key=key)

    async def _asked(
        self,
        call: ToolCall,
        tool: ToolSpec,
        arguments: dict[str, Any],
        objections: list[Objection],
    ) -> dict[str, Any] | ActOutcome:
        async def check(changed: dict[str, Any]) -> str:
            # `tool` may be the fallback of the one that the model called.
            proposed = ToolCall(id=call.id, name=tool.name, arguments=json.dumps(changed))
            if wrong := (await self.refused([proposed])).get(call.id, ""):
                return wrong
            against = await self._watches.before(tool, changed, by_person=True)
            return "; ".join(each.refuse for each in against if each.refuse)

        decision = await self._desk.ask(self._form(tool, arguments, objections), check)
        if decision.granted:
            return decision.arguments or {}
        reason = f": {decision.reason}" if decision.reason else ""
        self._state.leave(f"{tool.name} {call.arguments} (not approved{reason})")
        return ActOutcome(kind="error", text=f"not approved{reason}; it was not run")

    def _form(self, tool: ToolSpec, arguments: dict[str, Any], objections: list[Objection]) -> Form:
        undo = f"; {tool.compensation} can undo it" if tool.compensation else ""
        spoken = "; ".join(each.ask for each in objections)
        return Form(
            kind="call",
            title=f"run {tool.name}",
            why=self._reason or spoken or f"{_WHY[tool.effect]}{undo}",
            request=self._request.task,
            done=self._state.done(),
            options=(
                ("approve", f"{tool.name} runs with exactly these arguments"),
                ("reject", "it does not run; whoever asked for it is told your reason"),
                ("modify", 'it runs with yours: {"arguments": {…}}, checked like the model\'s'),
                ("abort", "the run ends here"),
            ),
            tool=tool.name,
            arguments=arguments,
        )
